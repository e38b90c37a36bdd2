import { addSearchAttributes, hasSearchAttributes } from '../server/search-attributes.ts';
import type { Temporal } from './temporal.ts';

/**
 * Whether batches can be noted under their search attributes on this server. The embedded one, where an
 * older version has started it, is given them; on any other they are for its operator to add.
 */
export async function takesAttributes({ client, namespace, embedded }: Temporal): Promise<boolean> {
  const { connection } = client;
  try {
    if (await hasSearchAttributes(connection, namespace)) return true;
    if (!embedded) return false;
    await addSearchAttributes(connection, namespace);
    return await hasSearchAttributes(connection, namespace);
  } catch {
    // Not everybody may ask for them, and a batch does without.
    return false;
  }
}
