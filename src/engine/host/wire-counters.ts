/** Counts what links do, for the metrics. */
export class WireCounters {
  framesIn = 0;
  framesOut = 0;
  partsIn = 0;
  partsOut = 0;
  /** Bytes of frames that came and went in parts. */
  partBytesIn = 0;
  partBytesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  unknownFrames = 0;
  violations = 0;
  handshakesFailed = 0;
  cutOff = 0;
}
