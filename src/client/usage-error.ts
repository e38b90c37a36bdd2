/** What was typed cannot be done as typed: a command prints the message without a stack and exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
