import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundle } from '../support/workflow-harness.ts';
import { historyShapes } from './history-shapes.ts';

interface RecordedEvent {
  eventType: string;
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
}
interface RecordedHistory {
  events: RecordedEvent[];
}

const folder = fileURLToPath(new URL('../histories', import.meta.url));
const read = (name: string): string => readFileSync(join(folder, `${name}.json`), 'utf8');
const replay = (history: RecordedHistory): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle: { codePath: workflowBundle } }, history);

// The SDK reports the replay that is meant to fail as an error of its own.
Runtime.install({
  shutdownSignals: [],
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
});

const names = historyShapes().map(({ name }) => name);

test('every shape of control flow has its recording', () => {
  assert.deepEqual(readdirSync(folder).sort(), names.map((name) => `${name}.json`).sort());
});

for (const name of names) {
  test(`today's workflow replays ${name}`, () => replay(JSON.parse(read(name)) as RecordedHistory));
}

test('a workflow that would do something else does not replay', async () => {
  const history = JSON.parse(read('all-succeed')) as RecordedHistory;
  const report = history.events.find(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType.name === 'writeReport',
  );
  report!.activityTaskScheduledEventAttributes!.activityType.name = 'writeNothing';
  await assert.rejects(replay(history), DeterminismViolationError);
});

test('no recording names a folder of a machine', () => {
  for (const name of names) {
    const text = read(name).replaceAll(/"data": "([^"]*)"/g, (_, data: string) =>
      Buffer.from(data, 'base64').toString(),
    );
    assert.match(text, /"batchId":/, 'payloads can be read');
    assert.doesNotMatch(text, /\/(work|home|tmp|Users|node_modules)\//, name);
  }
});
