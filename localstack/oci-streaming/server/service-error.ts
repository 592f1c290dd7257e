/** A refusal by the service, with the code of its body. https://docs.oracle.com/en-us/iaas/Content/API/References/apierrors.htm */
export class ServiceError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function invalidParameter(message: string): ServiceError {
  return new ServiceError(400, "InvalidParameter", message);
}

export function missingParameter(name: string): ServiceError {
  return new ServiceError(400, "MissingParameter", `${name} is required`);
}

/** By design the service does not say which of the two it is. */
export function notAuthorizedOrNotFound(what: string): ServiceError {
  return new ServiceError(404, "NotAuthorizedOrNotFound", `Authorization failed or requested resource not found: ${what}`);
}
