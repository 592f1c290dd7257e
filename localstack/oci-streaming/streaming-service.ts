import { FaultPlan } from "../faults/fault-plan.ts";
import { type FaultVariant, OCI_FAULTS } from "./faults/fault-effect.ts";
import { InvalidMessages } from "./faults/invalid-messages.ts";
import { LeaseObjects } from "./faults/lease-objects.ts";
import { ObjectStore } from "./objects/object-store.ts";
import { ServiceClock } from "./service-clock.ts";
import type { StreamingSettings } from "./settings.ts";
import { Cursors } from "./streams/cursors.ts";
import { Streams } from "./streams/streams.ts";
import { WorkRequests } from "./streams/work-requests.ts";

/** The namespace and the bucket that exist from the start. */
export const NAMESPACE = "emulator";
export const LEASE_BUCKET = "streamport-leases";

/** Everything that the emulated service knows. It outlives restarts of the servers. */
export class StreamingService {
  readonly settings: StreamingSettings;
  readonly clock: ServiceClock;
  readonly compartmentId: string;
  readonly streams: Streams;
  readonly workRequests: WorkRequests;
  readonly cursors: Cursors;
  readonly objects: ObjectStore;
  readonly leases: LeaseObjects;
  readonly faults: FaultPlan<readonly FaultVariant[]>;
  readonly invalidMessages = new InvalidMessages();
  /** Where messages are published and read; known once the server listens. */
  messagesEndpoint = "";
  readonly #calls = new Map<string, number>();
  #throttledShare = 0;

  /** @param compartmentId the root compartment: the tenancy */
  constructor(settings: StreamingSettings, compartmentId: string, firstFaultTurn: number) {
    this.settings = settings;
    this.compartmentId = compartmentId;
    this.clock = new ServiceClock(settings.clockAheadMs);
    this.streams = new Streams(this.clock, settings, compartmentId);
    this.workRequests = new WorkRequests(this.clock);
    this.cursors = new Cursors(this.clock, settings.cursorLifetimeMs);
    this.objects = new ObjectStore(NAMESPACE, this.clock);
    this.objects.createBucket(LEASE_BUCKET);
    this.leases = new LeaseObjects(this.objects, this.streams);
    this.faults = new FaultPlan({ ...OCI_FAULTS, applyAtOnce: (fault) => this.leases.applyAtOnce(fault) }, firstFaultTurn);
  }

  /** Counts a call that was signed correctly, whatever becomes of it. */
  countCall(operation: string): void {
    this.#calls.set(operation, this.callCount(operation) + 1);
  }

  callCount(operation: string): number {
    return this.#calls.get(operation) ?? 0;
  }

  /** Whether the setting throttles the next entry of a publish call. */
  throttlesNextEntry(): boolean {
    this.#throttledShare += this.settings.throttledShare;
    if (this.#throttledShare < 1) return false;
    this.#throttledShare -= 1;
    return true;
  }
}
