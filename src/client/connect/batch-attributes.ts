import { addSearchAttributes, hasSearchAttributes } from '../../temporal-server/search-attributes.ts';
import { displayAttributes, searchAttributes } from '../../workflows/display/search-attributes.ts';
import type { Temporal } from './temporal.ts';

/** Whether batches can be noted under the attributes that show how they stand. It never rejects. */
export const takesAttributes = (temporal: Temporal): Promise<boolean> => takes(temporal, displayAttributes);

/** Whether batches can be found by the hash of their requests. It never rejects. */
export const takesBatchHash = (temporal: Temporal): Promise<boolean> =>
  takes(temporal, [searchAttributes.BatchHash]);

/**
 * Whether this server has these search attributes. The embedded one, where an older version has started it, is given
 * them; on any other they are for its operator to add.
 */
async function takes(
  { client, namespace, embedded }: Temporal,
  wanted: readonly { name: string; type: 'KEYWORD' | 'DOUBLE' | 'INT' }[],
): Promise<boolean> {
  const { connection } = client;
  try {
    if (await hasSearchAttributes(connection, namespace, wanted)) return true;
    if (!embedded) return false;
    await addSearchAttributes(connection, namespace);
    return await hasSearchAttributes(connection, namespace, wanted);
  } catch {
    // Not everybody may ask for them, and a batch does without.
    return false;
  }
}
