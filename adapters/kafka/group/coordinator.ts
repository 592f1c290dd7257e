import { ErrorNumber } from "../client/error-codes.ts";
import { type KafkaClient, KafkaProtocolError } from "../client/kafka-client.ts";

/** The broker that looks after a group, looked up when it is needed and not known. */
export class Coordinator {
  readonly #client: KafkaClient;
  readonly #group: string;
  #brokerId: number | null = null;

  constructor(client: KafkaClient, group: string) {
    this.#client = client;
    this.#group = group;
  }

  /** One request to it. What it answers with an error code is about the group; anything else makes us look it up anew. */
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

/** COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR: the group is looked after elsewhere, or not yet. */
export function isCoordinatorGone(errorCode: number): boolean {
  return errorCode === ErrorNumber.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorNumber.NOT_COORDINATOR;
}
