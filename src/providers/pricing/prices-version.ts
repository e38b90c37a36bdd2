import { bundledTable } from '../../prices/bundled-table.ts';

/** Version of the bundled price table: what it was made from, and the day. */
export const pricesVersion = `${bundledTable.source}, ${bundledTable.date}`;
