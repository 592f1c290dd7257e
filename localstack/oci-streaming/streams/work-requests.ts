import { createOcid } from "../ocid.ts";
import type { ServiceClock } from "../service-clock.ts";
import type { Stream } from "./stream.ts";

/** A change that takes its time. */
export interface WorkRequest {
  readonly id: string;
  readonly operationType: "CREATE_STREAM" | "UPDATE_STREAM" | "DELETE_STREAM";
  readonly stream: Stream;
  readonly timeAcceptedMs: number;
}

/** The changes that were accepted. Each ends when its stream reaches the next state. */
export class WorkRequests {
  readonly #all = new Map<string, WorkRequest>();
  readonly #clock: ServiceClock;

  constructor(clock: ServiceClock) {
    this.#clock = clock;
  }

  accept(operationType: WorkRequest["operationType"], stream: Stream): WorkRequest {
    const request = { id: createOcid("streamworkrequest"), operationType, stream, timeAcceptedMs: this.#clock.nowMs };
    this.#all.set(request.id, request);
    return request;
  }

  find(id: string): WorkRequest | null {
    return this.#all.get(id) ?? null;
  }
}
