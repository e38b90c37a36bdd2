import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BrokenInput, InputError, ProblemList } from '../../../src/input/input-error.ts';
import { PromptIntake } from '../../../src/input/prompt-intake.ts';
import { readJson } from '../../../src/input/json/read-json.ts';

async function* piecesOf(text: string, cuts: readonly number[]) {
  const ends = [...cuts.map((cut) => cut % (text.length + 1)), text.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    if (end > start) yield text.slice(start, end);
    start = end;
  }
}

/** All that comes of a text: the prompts handed on, and what is said of it. */
async function outcomeOf(text: string, cuts: readonly number[]): Promise<unknown> {
  const problems = new ProblemList('p.json');
  const items: unknown[] = [];
  const intake = new PromptIntake(problems, (item) => void items.push(item));
  try {
    const source = await readJson(piecesOf(text, cuts), intake, problems);
    problems.throwIfAny();
    return { items, source };
  } catch (error) {
    // Where the piece ends decides how much is shown of what was found, and whether a number before it counts.
    if (error instanceof BrokenInput)
      return { items, broken: error.message.replace(/^(after )?item \d+: |, got [^]*/g, '') };
    if (error instanceof InputError) return { items, problems: error.problems };
    throw error;
  }
}

const item = fc.constantFrom(
  '"a [b] {c} \\" \\\\"',
  '{"prompt":"a","x":{"y":[1,"]"]}}',
  '{"prompt":"\\ud83d\\ude00\\\\"}',
  '{"prompt":"b","id":12345678901234567890}',
  '{"prompt":"\\ud83d"}',
  '17',
  '[1]',
);
const list = fc
  .tuple(fc.array(item, { maxLength: 4 }), fc.constantFrom(',', ' ,\n\t'))
  .map(([items, separator]) => `[${items.join(separator)}]`);
const whole = fc.oneof(
  list,
  list.map((prompts) => `{"metadata":{"l":["[",[1]]},"prompts":${prompts},"description":"[d]"}`),
);
const slip = fc.tuple(
  fc.nat(),
  fc.nat({ max: 2 }),
  fc.constantFrom('', ',', '"', '\\', ']', '}', '{', 'x', '\n'),
);
const text = fc.tuple(whole, fc.array(slip, { maxLength: 2 })).map(([json, slips]) =>
  slips.reduce((changed, [at, dropped, added]) => {
    const from = at % (changed.length + 1);
    return changed.slice(0, from) + added + changed.slice(from + dropped);
  }, json),
);

test('says the same of a text, sound or broken, however it is cut into pieces', () =>
  fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(), { maxLength: 8 }), async (json, cuts) => {
      const everywhere = Array.from(json, (_, index) => index);
      const expected = await outcomeOf(json, []);
      assert.deepEqual(await outcomeOf(json, cuts), expected);
      assert.deepEqual(await outcomeOf(json, everywhere), expected);
    }),
    { numRuns: 300 },
  ));

test('a text is sound if and only if it is JSON', () =>
  fc.assert(
    fc.asyncProperty(text, async (json) => {
      const outcome = await outcomeOf(json, []);
      const isJson = (() => {
        try {
          JSON.parse(json);
          return true;
        } catch {
          return false;
        }
      })();
      assert.equal((outcome as { broken?: string }).broken === undefined, isJson);
    }),
    { numRuns: 500 },
  ));
