/** What the steps hand to each other: plain data, so that it can cross from node to node. */

/** A file as `ingest` read it: text, not yet understood. */
export interface Table {
  readonly source: { readonly file: string; readonly bytes: number; readonly sha256: string; readonly rows: number };
  readonly header: readonly string[];
  /** `line` is the row's line in the file, from 1. */
  readonly rows: readonly { readonly line: number; readonly fields: readonly string[] }[];
}

/** One measurement that can be used; `null` is a value that the sensor did not deliver. */
export interface Measurement {
  readonly line: number;
  /** Milliseconds since 1970, on the hour. */
  readonly time: number;
  readonly station: string;
  readonly temperature: number | null;
  readonly unit: 'C' | 'F';
  readonly humidity: number | null;
  readonly wind: number | null;
}

export interface Rejected {
  readonly line: number;
  readonly reason: string;
}

export interface Validated {
  readonly valid: readonly Measurement[];
  readonly rejected: readonly Rejected[];
}

/** One station's hours, in order, in degrees Celsius. */
export interface Series {
  readonly station: string;
  readonly hours: readonly {
    readonly time: number;
    readonly temperature: number | null;
    readonly humidity: number | null;
  }[];
}

export interface Repairs {
  readonly converted: number;
  readonly duplicates: number;
  readonly reordered: number;
  readonly filled: number;
  readonly missing: number;
}

export interface Cleaned {
  readonly series: readonly Series[];
  readonly repairs: Repairs;
}

export interface StationFigures {
  readonly station: string;
  readonly hours: number;
  readonly mean: number;
  readonly deviation: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** Degrees per day. */
  readonly trend: number;
  /** Of temperature and humidity, -1 to 1. */
  readonly correlation: number;
}

export interface Anomaly {
  readonly station: string;
  readonly time: number;
  readonly temperature: number;
  /** Degrees above or below what is usual there at that hour of the day. */
  readonly off: number;
}

export interface Analysis {
  readonly stations: readonly StationFigures[];
  readonly anomalies: readonly Anomaly[];
}
