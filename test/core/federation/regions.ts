/**
 * Round trips between regions of one operator's backbone, in milliseconds: the medians of 30 days that Microsoft published in
 * "Azure network round-trip latency statistics" of July 2023 (azure-docs, CC BY 4.0), for 21 of its regions. Places are the
 * cities that the regions are named after or said to be near.
 */
export interface Region {
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
}

const TABLE: readonly (readonly [string, number, number, ...number[]])[] = [
  ['São Paulo', -23.55, -46.63],
  ['Toronto', 43.65, -79.38, 128],
  ['Des Moines', 41.59, -93.62, 147, 24],
  ['Boydton', 36.67, -78.39, 115, 18, 24],
  ['San Francisco', 37.77, -122.42, 179, 62, 39, 64],
  ['Quincy', 47.23, -119.85, 182, 64, 38, 64, 23],
  ['San Antonio', 29.42, -98.49, 141, 48, 26, 33, 34, 45],
  ['Dublin', 53.35, -6.26, 170, 83, 94, 67, 132, 130, 98],
  ['London', 51.51, -0.13, 177, 93, 98, 76, 136, 134, 106, 11],
  ['Paris', 48.86, 2.35, 183, 98, 104, 82, 142, 142, 112, 17, 8],
  ['Frankfurt', 50.11, 8.68, 189, 105, 109, 87, 147, 145, 117, 22, 14, 10],
  ['Gävle', 60.67, 17.14, 206, 129, 132, 110, 170, 168, 141, 45, 37, 36, 27],
  ['Johannesburg', -26.2, 28.05, 345, 256, 274, 243, 312, 309, 275, 179, 173, 172, 180, 204],
  ['Dubai', 25.27, 55.31, 292, 202, 222, 190, 258, 256, 215, 125, 116, 112, 116, 140, 257],
  ['Doha', 25.29, 51.53, 296, 207, 227, 195, 264, 261, 226, 130, 122, 117, 121, 144, 269, 62],
  ['Pune', 18.52, 73.86, 305, 216, 235, 203, 218, 210, 237, 137, 130, 126, 129, 153, 270, 33, 38],
  ['Singapore', 1.35, 103.82, 340, 218, 197, 223, 169, 162, 192, 163, 153, 147, 155, 178, 296, 80, 98, 50],
  ['Hong Kong', 22.32, 114.17, 328, 198, 177, 199, 149, 141, 168, 193, 185, 180, 185, 208, 327, 112, 133, 83, 34],
  ['Tokyo', 35.68, 139.69, 275, 154, 134, 156, 106, 98, 125, 231, 217, 212, 217, 240, 358, 148, 169, 118, 70, 46],
  ['Seoul', 37.57, 126.98, 301, 179, 158, 184, 130, 123, 152, 228, 220, 215, 220, 243, 361, 148, 170, 119, 69, 38, 31],
  [
    'Sydney',
    -33.87,
    151.21,
    319,
    197,
    176,
    204,
    148,
    160,
    173,
    246,
    238,
    233,
    237,
    261,
    378,
    167,
    187,
    140,
    89,
    122,
    102,
    128,
  ],
];

export const REGIONS: readonly Region[] = TABLE.map(([name, latitude, longitude]) => ({ latitude, longitude, name }));

/** The round trip between two different regions, by their indexes. */
export function rttMs(a: number, b: number): number {
  const rtt = TABLE[Math.max(a, b)]?.[3 + Math.min(a, b)];
  if (typeof rtt !== 'number' || a === b) throw new Error(`no round trip between ${a} and ${b}`);
  return rtt;
}

/** Every two regions once. */
export const PAIRS: readonly (readonly [number, number])[] = REGIONS.flatMap((_, a) =>
  REGIONS.slice(0, a).map((_other, b) => [a, b] as const),
);

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
