/** What one writes without an engine: everything in memory, one file at the end, nothing left after a crash. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import pLimit from 'p-limit';
import type { RunArguments } from '../contenders.ts';

const { promptFile, baseUrl, completions, workers, outputDir } = JSON.parse(process.argv[2]!) as RunArguments;
const client = new OpenAI({ baseURL: baseUrl, apiKey: 'none' });
const limit = pLimit(workers);

const prompts = (await readFile(promptFile, 'utf8'))
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { prompt_id: string; prompt: string });

const results = await Promise.all(
  prompts.map((prompt) =>
    limit(async () => {
      const answers = [];
      for (let sample = 1; sample <= completions; sample++) {
        const { choices, usage } = await client.chat.completions.create({
          model: 'stand-in',
          messages: [{ role: 'user', content: prompt.prompt }],
          temperature: 0.7,
          top_p: 0.9,
          max_tokens: 256,
        });
        answers.push({ text: choices[0]!.message.content, usage });
      }
      return { ...prompt, answers };
    }),
  ),
);
await writeFile(join(outputDir, 'results.json'), JSON.stringify(results, null, 2));
