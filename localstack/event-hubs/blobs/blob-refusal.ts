/** What the blob service answers instead of doing what a client asked for: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes */
export class BlobRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
