/** An error as the service answers it. Its message reaches the client. */
export class ServiceError extends Error {
  /** The name of the error in the API: `ResourceNotFoundException`, … */
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

export function invalidArgument(message: string): ServiceError {
  return new ServiceError("InvalidArgumentException", message);
}

export function invalidRequest(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}

export function notFound(message: string): ServiceError {
  return new ServiceError("ResourceNotFoundException", message);
}

export function inUse(message: string): ServiceError {
  return new ServiceError("ResourceInUseException", message);
}

export function limitExceeded(message: string): ServiceError {
  return new ServiceError("LimitExceededException", message);
}
