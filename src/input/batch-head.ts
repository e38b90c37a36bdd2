import * as z from 'zod';
import { checkFields, isObject, labelText, mergeKept, splitFields } from './check-fields.ts';
import type { Fields } from './check-fields.ts';
import { describePath, listNames } from './describe-value.ts';
import type { ProblemList } from './input-error.ts';
import type { JsonValue } from './json/json-value.ts';

/** What an input says of the batch as a whole. */
export interface BatchHead {
  batchName?: string;
  description?: string;
  metadata?: Record<string, unknown>;
}

const headShape = {
  batch_name: labelText('a string of 1 to 256 characters').optional(),
  description: z.string('a string').optional(),
  metadata: z.custom<Fields>(isObject, 'an object').optional(),
};

/** Settings that could seem to hold for all prompts, and would be silently without effect. */
const settings = [
  'model',
  'temperature',
  'top_p',
  'max_tokens',
  'completions',
  'extra_body',
  'max_workers',
  'provider',
];

/** Checks the fields beside `prompts`. Unknown ones are kept in the metadata. */
export function checkHead(head: ReadonlyMap<string, JsonValue>, problems: ProblemList): BatchHead {
  const flaws = [...head].flatMap(([name, field]) =>
    field.flaws.map(({ path, problem }) => ({ path: [name, ...path], problem })),
  );
  const fields = Object.fromEntries([...head].map(([name, { value }]) => [name, value]));
  const { known, unknown } = splitFields(fields, (name) => Object.hasOwn(headShape, name));
  const { valid, problems: found } = checkFields(headShape, known, flaws);
  const { merged, problems: twice } = mergeKept(unknown, valid.metadata ?? {}, 'metadata');
  for (const problem of [...found, ...twice, ...misplacedSettings(unknown)]) problems.add(problem);
  return {
    ...(valid.batch_name === undefined ? {} : { batchName: valid.batch_name }),
    ...(valid.description === undefined ? {} : { description: valid.description }),
    ...(valid.metadata === undefined && Object.keys(merged).length === 0 ? {} : { metadata: merged }),
  };
}

/** The problem of an object that is no batch. */
export function describeMissingPrompts(names: readonly string[]): string {
  const got = names.length > 0 ? listNames(names) : 'an empty object';
  return `an object must have "prompts", a list of prompts, got ${got}; a single prompt stands in a list: [{"prompt": "…"}]`;
}

function misplacedSettings(unknown: Fields): string[] {
  return settings
    .filter((name) => Object.hasOwn(unknown, name))
    .map((name) => {
      const instead =
        name === 'extra_body' ? 'give it to each prompt' : `give --${name.replaceAll('_', '-')}`;
      return `${describePath([name])} of the whole batch is not read from the file: ${instead}`;
    });
}
