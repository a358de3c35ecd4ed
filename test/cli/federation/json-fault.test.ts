import { expect, test } from 'vitest';
import { checkFile } from '../../../src/cli/federation/check-file.ts';
import { jsonFault } from '../../../src/cli/federation/json-fault.ts';

test.each([
  ['', 1, 'it is empty'],
  [' \n\n', 1, 'it is empty'],
  ['{"a": 1,\n "b": [1,\n', 2, 'it is no JSON: it ends before all is closed'],
  ['{"a": "x', 1, 'it is no JSON: it ends before all is closed'],
  ['{\n  "a": 1,\n}', 3, 'it is no JSON: a comma stands before the "}", at column 1'],
  ['{\n  "a": [1, 2,]\n}', 2, 'it is no JSON: a comma stands before the "]", at column 14'],
  ['// what this is\n{"a": 1}', 1, 'it is no JSON: it has no comments, at column 1'],
  ['{\n  "a": true, // why\n  "b": true, "c": "d"\n}', 2, 'it is no JSON: it has no comments, at column 14'],
  [
    `{\n  "version": '1.0',\n  "federation": {}\n}`,
    2,
    'it is no JSON: texts and keys stand between double quotes, at column 14',
  ],
  ['{\n  "a" 1\n}', 2, `it is no JSON: expected ':' after property name, at column 7`],
  ['hello world', 1, `it is no JSON: unexpected token 'h', at column 1`],
  ['{"a": 1}\n{"a": 1}', 2, 'it is no JSON: unexpected non-whitespace character, at column 1'],
])('%j is no JSON for a reason that has nothing to do with YAML', (content, line, message) => {
  expect(jsonFault(content)).toEqual({ line, message });
});

test('a quote that stands in the file before is not taken for the place', () => {
  const calm = '{"list": [{"a": "nope, nope, nope"}, {"a": nope, "b": "nope, nope, nope"}]}';
  expect(jsonFault(`{"x": ${JSON.stringify('"a": nope, "b": "no')},\n"y": ${calm}}`)).toMatchObject({ line: 2 });
});

test('what is JSON has no fault', () => {
  expect(jsonFault('{"a":\t"\\/ \\ud83d\\ude00"}')).toBeUndefined();
});

test('a key that stands twice, and a second document, are told and not lost', async () => {
  const twice = '{"version": "1.0",\n"federation": {"enabled": true, "enabled": false}, "clusters": []}';
  expect((await checkFile(twice, { strict: true })).problems).toMatchObject([
    { line: 2, message: 'the key "enabled" stands twice' },
  ]);
  const two = 'version: "1.0"\nfederation: {}\nclusters: []\n---\nversion: "1.0"\n';
  const { problems } = await checkFile(two, { strict: false });
  expect(problems).toMatchObject([{ message: 'a second document begins here; a file holds one' }]);
});
