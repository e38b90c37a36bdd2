import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunLimits } from '../../src/core/settings.ts';
import { createCompletionApi } from '../../src/providers/completion-api.ts';
import { ProviderFault } from '../../src/providers/provider-fault.ts';
import { limits, patient, requestFor, settingsFor } from './settings.ts';

const simulated = (more: Partial<RunLimits> = {}) =>
  createCompletionApi(settingsFor('simulated', ''), { ...limits, ...more }, undefined);

const textOf = async (prompt: string, sample: number, maxTokens = 256): Promise<string> => {
  const response = await simulated().complete(
    requestFor(prompt, { samples: [sample], maxTokens }),
    patient(),
  );
  return response.choices[0]?.text ?? '';
};

test('answers the same for the same prompt and sample, and says that it is simulated', async () => {
  const first = await textOf('What is RLHF?', 1);
  assert.match(first, /^\[simulated\] .+\. .+\. /);
  assert.equal(await textOf('What is RLHF?', 1), first);
  assert.notEqual(await textOf('What is RLHF?', 2), first);
  assert.notEqual(await textOf('What is PPO?', 1), first);
});

test('keeps to the token limit, as a provider would', async () => {
  const response = await simulated().complete(requestFor('q', { maxTokens: 8 }), patient());
  assert.equal(response.choices[0]?.finishReason, 'length');
  assert.equal(response.usage?.completion, 8);
  assert.ok((response.choices[0]?.text.length ?? 99) <= 32);
});

test('gives one choice a request, with usage', async () => {
  const api = simulated();
  assert.equal(api.choicesPerRequest(4), 1);
  const { choices, usage, model, requestId } = await api.complete(
    requestFor('q', { maxTokens: 256 }),
    patient(),
  );
  assert.equal(choices.length, 1);
  assert.ok(usage && usage.prompt > 0 && usage.completion > 0);
  assert.equal(usage.total, usage.prompt + usage.completion);
  assert.equal(model, 'test-model');
  assert.match(String(requestId), /^simulated-/);
});

/** What became of the first three calls for each of 200 prompts. */
async function faultsOf(simulateErrors: number): Promise<string[]> {
  const api = simulated({ simulateErrors });
  const faults: string[] = [];
  for (let i = 0; i < 200; i += 1) {
    for (let call = 1; call <= 3; call += 1) {
      const error: unknown = await api.complete(requestFor('q', { promptId: `p${i}` }), patient()).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error === undefined) break;
      assert.ok(error instanceof ProviderFault);
      faults.push(`${i}/${call} ${error.failure} ${error.status}`);
    }
  }
  return faults;
}

test('fails as often as it is told, the same way every time', async () => {
  assert.deepEqual(await faultsOf(0), []);
  assert.equal((await faultsOf(1)).length, 600);
  const some = await faultsOf(0.3);
  assert.deepEqual(await faultsOf(0.3), some);
  assert.ok(some.length > 50 && some.length < 130, `${some.length} faults`);
  assert.ok(some.some((fault) => fault.endsWith('Completion.Fault 500')));
  assert.ok(some.some((fault) => fault.endsWith('Completion.Unavailable 429')));
  assert.ok(
    some.some((fault) => fault.includes('/2 ')),
    'a second call may fail too',
  );
});

test('can be aborted, before and while it answers', async () => {
  const reason = new Error('cancelled');
  const slow = simulated({ simulateLatencyMs: 3_600_000 });
  await assert.rejects(
    slow.complete(requestFor('q'), patient(AbortSignal.abort(reason))),
    (error) => error === reason,
  );
  const caller = new AbortController();
  const asked = slow.complete(requestFor('q'), patient(caller.signal));
  caller.abort(reason);
  await assert.rejects(asked, (error) => error === reason);
});
