/**
 * The bare loop's command: client and worker in one process, as `durabatch run` has them, with the same server
 * settings and HTTP client, but no progress, no report, no cap over the whole, and nothing that survives a crash.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import OpenAI from 'openai';
import { Agent, request } from 'undici';
import type { RunArguments } from '../contenders.ts';
import { SyncedLines } from './synced-lines.ts';
import type { bareParent } from './workflow.ts';

export interface BareActivities {
  /** `index`: position in the file. Answers the tokens that were used. */
  answerPrompt(index: number): Promise<number>;
}

const { id, promptFile, baseUrl, completions, workers, outputDir, workflowBundle } = JSON.parse(
  process.argv[2]!,
) as RunArguments;
const address = process.env['TEMPORAL_ADDRESS']!;
const taskQueue = id;

const prompts = (await readFile(promptFile, 'utf8'))
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { prompt_id: string; prompt: string });
const lines = await SyncedLines.create(join(outputDir, 'answers.jsonl'));

const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
const client = new OpenAI({
  baseURL: baseUrl,
  apiKey: 'none',
  maxRetries: 0,
  fetch: async (url, init) => {
    const { statusCode, body } = await request(url as string, {
      ...{ dispatcher, method: 'POST', headers: { 'content-type': 'application/json' } },
      body: init?.body as string,
    });
    return new Response(await body.text(), {
      status: statusCode,
      headers: { 'content-type': 'application/json' },
    });
  },
});

const activities: BareActivities = {
  answerPrompt: async (index) => {
    const { prompt_id: promptId, prompt } = prompts[index]!;
    let tokens = 0;
    for (let sample = 1; sample <= completions; sample++) {
      const { choices, usage } = await client.chat.completions.create({
        model: 'stand-in',
        messages: [{ role: 'user', content: prompt }],
        temperature: 0.7,
        top_p: 0.9,
        max_tokens: 256,
      });
      await lines.append(JSON.stringify({ promptId, sample, text: choices[0]!.message.content, usage }));
      tokens += usage!.total_tokens;
    }
    return tokens;
  },
};

Runtime.install({
  shutdownSignals: [],
  logger: new DefaultLogger('WARN'),
  telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
});
const connection = await NativeConnection.connect({ address, grpcCompression: { codec: 'none' } });
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowBundle: { codePath: workflowBundle },
  activities: { ...activities },
  maxConcurrentActivityTaskExecutions: workers,
  maxEagerActivityReservationsPerWorkflowTask: workers,
  stickyQueueScheduleToStartTimeout: '2 seconds',
});
const temporal = await Connection.connect({ address });
const temporalClient = new Client({ connection: temporal });
await worker.runUntil(
  temporalClient.workflow.execute<typeof bareParent>('bareParent', {
    workflowId: id,
    taskQueue,
    args: [prompts.length, workers],
  }),
);
await lines.close();
await dispatcher.close();
await temporal.close();
await connection.close();
