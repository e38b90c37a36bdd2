import type { Connection } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType as toWireType } from '@temporalio/common/lib/search-attributes.js';
import { searchAttributes } from '../workflows/search-attributes.ts';

type Operator = Pick<Connection, 'operatorService'>;

const wanted = Object.values(searchAttributes).map(({ name, type }) => ({ name, type: toWireType(type)! }));

/** Whether a namespace has all search attributes of batches, each of its type. */
export async function hasSearchAttributes(
  { operatorService }: Operator,
  namespace: string,
): Promise<boolean> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  return wanted.every(({ name, type }) => customAttributes?.[name] === type);
}

/** Does nothing about those that are there. They can be used at once. */
export async function addSearchAttributes({ operatorService }: Operator, namespace: string): Promise<void> {
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(wanted.map(({ name, type }) => [name, type])),
  });
}
