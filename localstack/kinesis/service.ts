import { FaultPlan } from "../faults/fault-plan.ts";
import { type FaultVariant, KINESIS_FAULTS } from "./faults/fault-effect.ts";
import { InvalidRecords } from "./faults/invalid-records.ts";
import type { RequestFaults } from "./faults/request-faults.ts";
import type { RequestContext, ServiceTimes } from "./requests/handler.ts";
import { RateLimits } from "./server/rate-limits.ts";
import { RequestSignatures } from "./server/request-signature.ts";
import { ServiceClock } from "./service-clock.ts";
import type { ServiceSettings } from "./service-settings.ts";
import { Streams } from "./streams/streams.ts";
import { Leases } from "./tables/leases.ts";
import type { Tables } from "./tables/tables.ts";

/** The state of the emulated service: streams, tables, and what is planned for its calls. */
export class Service {
  readonly clock: ServiceClock;
  readonly streams: Streams;
  readonly tables: Tables;
  readonly leases: Leases;
  readonly signatures: RequestSignatures;
  readonly plan: FaultPlan<readonly FaultVariant[]>;
  readonly invalidRecords = new InvalidRecords();
  readonly rates: RateLimits;
  /** Of every call. */
  readonly latencyMs: number;
  readonly #times: ServiceTimes;
  readonly #restart: () => void;

  constructor(settings: ServiceSettings, tables: Tables, restart: () => void) {
    const { account, times, rates, secrets, latencyMs, clockSkewMs, shardLimit, firstFaultTurn } = settings;
    this.clock = new ServiceClock(clockSkewMs);
    this.streams = new Streams(account, this.clock, shardLimit);
    this.tables = tables;
    this.leases = new Leases(tables);
    this.signatures = new RequestSignatures(account, this.clock, secrets);
    this.plan = new FaultPlan(KINESIS_FAULTS, firstFaultTurn);
    this.rates = new RateLimits(rates);
    this.latencyMs = latencyMs;
    this.#times = times;
    this.#restart = restart;
  }

  context(faults: RequestFaults): RequestContext {
    const { streams, clock, invalidRecords, rates } = this;
    return { streams, clock, times: this.#times, faults, invalidRecords, rates };
  }

  /** Goes away and comes back. Members of groups have to join again: all leases lose their owners. */
  restart(): void {
    this.#restart();
  }
}
