/** Flags for what an account with the provider allows, over all batches that name it. */
import type { Command } from 'commander';
import * as z from 'zod';
import type { AccountLimits } from '../../core/settings.ts';
import { integerValue } from './flag-values.ts';

const accountNameValue = z
  .string()
  .trim()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@:-]{0,99}$/,
    'must be a name of 1 to 100 letters, digits, ".", "_", "-", "@" or ":", beginning with a letter or digit',
  );

export const accountFlags = {
  rpm: integerValue(1).optional(),
  tpm: integerValue(1).optional(),
  account: accountNameValue.optional(),
};

type AccountFlags = z.output<z.ZodObject<typeof accountFlags>>;

/** What was typed of an account's limits: the rest is as before, or the default. */
export type TypedAccount = Partial<Omit<AccountLimits, 'setAt'>>;

export const ACCOUNT_WITHOUT_LIMITS = 'says whose limits --rpm and --tpm are: give one of them too';

export const addAccountOptions = (command: Command, isNew: boolean): Command =>
  command
    .option(
      '--rpm <n>',
      `requests per minute that the account allows, shared by all batches and workers that use it (default: ${isNew ? 'no limit' : 'as before'})`,
    )
    .option(
      '--tpm <n>',
      `tokens per minute that the account allows, input and output together (default: ${isNew ? 'no limit' : 'as before'})`,
    )
    .option(
      '--account <name>',
      `account that --rpm and --tpm belong to; batches that name the same account share them fairly (default: ${isNew ? 'key variable @ host, as DEEPSEEK_API_KEY@api.deepseek.com' : 'as before'})`,
    );

const flagOfField: Record<keyof TypedAccount, string> = {
  name: '--account',
  requestsPerMinute: '--rpm',
  tokensPerMinute: '--tpm',
};

/** The flags by which it was typed. */
export const flagsOfAccount = (typed: TypedAccount): string[] =>
  Object.keys(typed).map((field) => flagOfField[field as keyof TypedAccount]);

/** `undefined` where none of it was typed. */
export function toTypedAccount({ rpm, tpm, account }: AccountFlags): TypedAccount | undefined {
  if (rpm === undefined && tpm === undefined && account === undefined) return undefined;
  return {
    ...(account !== undefined && { name: account }),
    ...(rpm !== undefined && { requestsPerMinute: rpm }),
    ...(tpm !== undefined && { tokensPerMinute: tpm }),
  };
}
