import { ErrorNumber } from "../client/error-codes.ts";
import { type KafkaClient, KafkaProtocolError } from "../client/kafka-client.ts";

/** The broker that coordinates a group. It is looked up when a request needs it and it is not known. */
export class Coordinator {
  readonly #client: KafkaClient;
  readonly #group: string;
  #brokerId: number | null = null;

  constructor(client: KafkaClient, group: string) {
    this.#client = client;
    this.#group = group;
  }

  /** Sends one request to the coordinator. An error code in the answer concerns the group. After any other failure the next request looks up the coordinator. */
  async ask<T>(signal: AbortSignal, request: (brokerId: number) => Promise<T>): Promise<T> {
    this.#brokerId ??= await this.#client.findCoordinator(this.#group, signal);
    try {
      return await request(this.#brokerId);
    } catch (error) {
      if (!(error instanceof KafkaProtocolError) || isCoordinatorGone(error.errorCode)) this.forget();
      throw error;
    }
  }

  forget(): void {
    this.#brokerId = null;
  }
}

/** Another broker coordinates the group, or none yet. */
export function isCoordinatorGone(errorCode: number): boolean {
  return errorCode === ErrorNumber.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorNumber.NOT_COORDINATOR;
}
