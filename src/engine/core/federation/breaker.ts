import { Breaker } from '../base/breaker.ts';
import type { BreakerConfig } from './options.ts';

/**
 * The circuit breaker of a link to another cluster, as operators set it: it opens after so many failures in a row, may be
 * tried again after the timeout, and closes after so many successes in a row; a failure before that opens it again, for as
 * long as before.
 */
export function breakerOf({ failureThreshold, successThreshold, timeoutMs }: BreakerConfig): Breaker {
  return new Breaker({
    failuresMax: failureThreshold,
    openMs: timeoutMs,
    openMsMax: timeoutMs,
    successesMin: successThreshold,
  });
}
