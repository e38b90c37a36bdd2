/** Everything that may not stand in a batch id. A manifest from elsewhere may have anything there, a path too. */
const FOREIGN = /[^A-Za-z0-9._-]+/g;
const MAX_ID_LENGTH = 64;

/**
 * Returns `batch_results_YYYYMMDD_HHMMSS_<batch id>`, in UTC: reports of several batches in one folder are told apart. The
 * second and later reports of a batch in one second get `_2`, `_3`, … Reports of 0.1.0 have no id in their names: nothing
 * finds a report by its name, the manifest has the path.
 */
export const reportStem = (timestamp: Date, batchId: string, count: number): string => {
  const [date = '', time = ''] = timestamp.toISOString().split('T');
  const moment = `${date.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}`;
  const stem = `batch_results_${moment}_${batchId.replaceAll(FOREIGN, '_').slice(0, MAX_ID_LENGTH)}`;
  return count === 1 ? stem : `${stem}_${count}`;
};
