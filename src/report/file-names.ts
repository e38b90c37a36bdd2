/** `batch_results_YYYYMMDD_HHMMSS`, in UTC; the second and later reports of one second get `_2`, `_3`, … */
export const reportStem = (timestamp: Date, count: number): string => {
  const [date = '', time = ''] = timestamp.toISOString().split('T');
  const stem = `batch_results_${date.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}`;
  return count === 1 ? stem : `${stem}_${count}`;
};
