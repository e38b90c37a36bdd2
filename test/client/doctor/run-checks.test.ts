import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Finding, ok } from '../../../src/client/doctor/finding.ts';
import { type Check, type CheckName, checkNames, runChecks } from '../../../src/client/doctor/run-checks.ts';
import { doctorText } from '../../../src/client/render/doctor-text.ts';
import { textWidth } from '../../../src/client/render/text-width.ts';

const names = Object.keys(checkNames) as CheckName[];
const allWell = Object.fromEntries<Check>(names.map((name) => [name, () => ok('well')])) as Record<
  CheckName,
  Check
>;

test('a check that throws or hangs has failed, and hides none of the others', async () => {
  let stopped = false;
  const diagnoses = await runChecks(
    {
      ...allWell,
      clock: () => {
        throw new Error('no clock');
      },
      provider: (signal) =>
        new Promise<Finding>(() => signal.addEventListener('abort', () => (stopped = true))),
    },
    50,
  );
  assert.deepEqual(
    diagnoses.map(({ check }) => check),
    names,
  );
  const verdictOf = (name: CheckName) => diagnoses.find(({ check }) => check === name)!;
  assert.deepEqual(diagnoses.filter(({ finding }) => finding.verdict === 'ok').length, names.length - 2);
  assert.equal(verdictOf('clock').finding.found, 'no clock');
  assert.match(verdictOf('provider').finding.found, /no answer within 0\.05 s/);
  assert.deepEqual(
    [stopped, verdictOf('provider').timedOut, verdictOf('clock').timedOut],
    [true, true, false],
  );
});

test('what is found is wrapped to the terminal, and counted', async () => {
  const finding: Finding = { verdict: 'failed', found: 'word '.repeat(60), advice: 'do this '.repeat(30) };
  const diagnoses = await runChecks({ ...allWell, api_key: () => finding }, 1000);
  for (const columns of [60, 80, 200]) {
    const text = doctorText(diagnoses, { columns });
    for (const line of text.split('\n')) assert.ok(textWidth(line) <= columns, line);
    assert.match(text, /^FAIL {2}API key {8}word word/m);
    assert.match(text, /→ do this/);
    assert.match(text, /doctor: 1 problem to fix before a run$/);
  }
  assert.match(doctorText(await runChecks(allWell, 1000)), /doctor: ready to run$/);
});

test('no escape sequence of a provider reaches the terminal', async () => {
  const diagnoses = await runChecks({ ...allWell, provider: () => ok('\u001b[31mred\u0007') }, 1000);
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(doctorText(diagnoses), /[\u001b\u0007]/);
});
