/** Cities where clusters may stand, and maps over them whose costs are such as cables have. */
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { distanceKm } from '../../../src/engine/core/federation/globe.ts';
import type { Coordinates, HubRecord } from '../../../src/engine/core/federation/records.ts';
import { hub } from './maps.ts';

const CITIES = `
Amsterdam 52.4 4.9, Athens 38.0 23.7, Atlanta 33.7 -84.4, Auckland -36.8 174.8, Bangkok 13.8 100.5, Barcelona 41.4 2.2,
Beijing 39.9 116.4, Berlin 52.5 13.4, Bogota 4.7 -74.1, Boston 42.4 -71.1, Brussels 50.9 4.4, Bucharest 44.4 26.1,
BuenosAires -34.6 -58.4, Cairo 30.0 31.2, CapeTown -33.9 18.4, Chennai 13.1 80.3, Chicago 41.9 -87.6, Copenhagen 55.7 12.6,
Dallas 32.8 -96.8, Delhi 28.6 77.2, Denver 39.7 -105.0, Dubai 25.3 55.3, Dublin 53.4 -6.3, Frankfurt 50.1 8.7,
Hamburg 53.6 10.0, Helsinki 60.2 24.9, HongKong 22.3 114.2, Houston 29.8 -95.4, Istanbul 41.0 29.0, Jakarta -6.2 106.8,
Johannesburg -26.2 28.0, Karachi 24.9 67.0, Kyiv 50.5 30.5, Lagos 6.5 3.4, Lima -12.0 -77.0, Lisbon 38.7 -9.1,
London 51.5 -0.1, LosAngeles 34.1 -118.2, Madrid 40.4 -3.7, Manila 14.6 121.0, Marseille 43.3 5.4, Melbourne -37.8 145.0,
MexicoCity 19.4 -99.1, Miami 25.8 -80.2, Milan 45.5 9.2, Montreal 45.5 -73.6, Mumbai 19.1 72.9, Nairobi -1.3 36.8,
NewYork 40.7 -74.0, Osaka 34.7 135.5, Oslo 59.9 10.8, Paris 48.9 2.4, Perth -32.0 115.9, Prague 50.1 14.4,
RioDeJaneiro -22.9 -43.2, Rome 41.9 12.5, SanFrancisco 37.8 -122.4, Santiago -33.4 -70.7, SaoPaulo -23.6 -46.6,
Seattle 47.6 -122.3, Seoul 37.6 127.0, Shanghai 31.2 121.5, Singapore 1.4 103.8, Sofia 42.7 23.3, Stockholm 59.3 18.1,
Sydney -33.9 151.2, Taipei 25.0 121.6, TelAviv 32.1 34.8, Tokyo 35.7 139.7, Toronto 43.7 -79.4, Vancouver 49.3 -123.1,
Vienna 48.2 16.4, Warsaw 52.2 21.0, Washington 38.9 -77.0, Zurich 47.4 8.5`;

type Place = Coordinates & { readonly name: string };

const PLACES: readonly Place[] = CITIES.split(',').map((line) => {
  const [name = '', latitude, longitude] = line.trim().split(' ');
  return { latitude: Number(latitude), longitude: Number(longitude), name };
});

/** Some of the ways over the oceans. */
const CABLES = `
NewYork London, NewYork Paris, Boston Dublin, Washington Madrid, Miami Bogota, Miami SaoPaulo, Lisbon RioDeJaneiro,
Lisbon Lagos, Lagos CapeTown, Marseille Cairo, Cairo Dubai, Dubai Mumbai, Dubai Nairobi, Nairobi Johannesburg,
Chennai Singapore, Singapore HongKong, Singapore Perth, Singapore Jakarta, HongKong Tokyo, Tokyo Seattle,
Tokyo SanFrancisco, Taipei LosAngeles, Manila LosAngeles, Sydney LosAngeles, Auckland LosAngeles, Sydney Tokyo,
Sydney Auckland, Frankfurt Istanbul, Warsaw Kyiv, Delhi Mumbai, MexicoCity Dallas, Lima Santiago, Miami Lima`;

/** Each city is joined to its nearest neighbours, and some over the oceans, at 1.2 to 2.4 times what light in glass needs, in microseconds there and back. */
export function worldMap(seed: number, neighbours: number): readonly HubRecord[] {
  const prng = new Prng(seed);
  const claims = new Map(PLACES.map(({ name }) => [name, {} as Record<string, number>]));
  const join = (here: Place, there: Place): void => {
    const cost = Math.ceil(distanceKm(here, there) * 10 * (prng.between(120, 240) / 100));
    (claims.get(here.name) as Record<string, number>)[there.name] = cost;
    (claims.get(there.name) as Record<string, number>)[here.name] = cost;
  };
  const named = (name: string) => PLACES.find((place) => place.name === name) as Place;
  for (const cable of CABLES.split(',')) {
    const [one = '', other = ''] = cable.trim().split(' ');
    join(named(one), named(other));
  }
  for (const here of PLACES) {
    const others = PLACES.filter((place) => place !== here);
    others.sort((a, b) => distanceKm(here, a) - distanceKm(here, b));
    for (const there of others.slice(0, neighbours)) join(here, there);
  }
  return PLACES.map(({ name, latitude, longitude }) =>
    hub(name, claims.get(name), { coordinates: { latitude, longitude } }),
  );
}
