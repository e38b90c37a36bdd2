import { isGrpcServiceError, ServiceError } from '@temporalio/client';

/** What gRPC said, also where the client has wrapped it; `null`: it is no error of a call to the server. */
export function grpcErrorOf(error: unknown): { code: number } | null {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) ? cause : null;
}
