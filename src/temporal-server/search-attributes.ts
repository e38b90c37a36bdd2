import type { Connection } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType as toWireType } from '@temporalio/common/lib/search-attributes.js';
import { searchAttributes } from '../workflows/display/search-attributes.ts';

type Operator = Pick<Connection, 'operatorService'>;

type Wanted = Pick<(typeof searchAttributes)[keyof typeof searchAttributes], 'type'> & { name: string };
const all: readonly Wanted[] = Object.values(searchAttributes);

/** Whether a namespace has these search attributes of batches, each of its type. */
export async function hasSearchAttributes(
  { operatorService }: Operator,
  namespace: string,
  wanted: readonly Wanted[] = all,
): Promise<boolean> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  return wanted.every(({ name, type }) => customAttributes?.[name] === toWireType(type));
}

/** Does nothing about those that are there. They can be used at once. */
export async function addSearchAttributes({ operatorService }: Operator, namespace: string): Promise<void> {
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(all.map(({ name, type }) => [name, toWireType(type)!])),
  });
}
