/** The flags that say which earlier answers are taken over. */
import { type Command, Option } from 'commander';
import * as z from 'zod';
import type { ReusePolicy } from '../../store/manifest/manifest.ts';
import { batchIdValue } from './batch-id.ts';
import { ageValue } from './flag-values.ts';

export const reuseFlags = {
  reuse: z.array(batchIdValue).default([]),
  noReuse: z.boolean().default(false),
  reuseSince: ageValue.optional(),
  reuseLonger: z.boolean().default(false),
};

export interface ReuseOptions {
  /** Batches whose answers are taken over before all others. */
  named: string[];
  policy: ReusePolicy;
  /** Something of the policy was typed: it holds for a batch that exists too. */
  isTyped: boolean;
}

export function addReuseOptions(command: Command): Command {
  const noReuse = new Option(
    '--no-reuse',
    'buy every answer again (default: answers to identical requests in the output folder are reused)',
  );
  // Else commander takes it for the negation of --reuse.
  noReuse.negate = false;
  return command
    .option(
      '--reuse <id>',
      'reuse answers of this batch first (with --new or --no-reuse: only of this batch); may be repeated (default: none)',
      (id: string, earlier: string[] | undefined) => [...(earlier ?? []), id],
    )
    .addOption(noReuse)
    .option(
      '--reuse-since <age>',
      'reuse only answers no older than this, such as 30d, 12h (default: any age)',
    )
    .option(
      '--reuse-longer',
      'also reuse complete answers to a smaller --max-tokens, which biases the samples towards short ones (default: off)',
    );
}

/** A new batch of the same requests is for new answers: it takes only those of batches that are named. */
export function toReuseOptions(
  { reuse, noReuse, reuseSince, reuseLonger }: z.output<z.ZodObject<typeof reuseFlags>>,
  isNew: boolean,
): ReuseOptions {
  return {
    named: reuse,
    policy: { folder: !noReuse && !isNew, since_ms: reuseSince ?? null, longer: reuseLonger },
    isTyped: noReuse || reuseSince !== undefined || reuseLonger,
  };
}
