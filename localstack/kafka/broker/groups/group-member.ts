import { clearTimeout, setTimeout } from "node:timers";
export const NO_ASSIGNMENT = Buffer.alloc(0);

/** The assignment protocols of a member, in its order of preference. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface JoinAnswer {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly memberId: string;
  /** A leader that came back under the same instance id need not make a new assignment. */
  readonly skipAssignment: boolean;
  /** Filled for the leader only. */
  readonly members: readonly { readonly memberId: string; readonly groupInstanceId: string | null; readonly metadata: Buffer }[];
}

export interface SyncAnswer {
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

export function refusedJoin(memberId: string, errorCode: number): JoinAnswer {
  return { errorCode, generationId: -1, protocolType: null, protocolName: null, leader: "", memberId, skipAssignment: false, members: [] };
}

export function refusedSync(errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT };
}

/** The identity of a member and its settings. */
export interface MemberDetails {
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
}

/** One member of a group, as its coordinator knows it. */
export class GroupMember {
  readonly memberId: string;
  details: MemberDetails;
  assignment: Buffer = NO_ASSIGNMENT;
  #joining: ((answer: JoinAnswer) => void) | null = null;
  #syncing: ((answer: SyncAnswer) => void) | null = null;
  #session: NodeJS.Timeout | undefined;

  constructor(memberId: string, details: MemberDetails) {
    this.memberId = memberId;
    this.details = details;
  }

  get isJoining(): boolean {
    return this.#joining !== null;
  }

  get isSyncing(): boolean {
    return this.#syncing !== null;
  }

  get isStatic(): boolean {
    return this.details.groupInstanceId !== null;
  }

  /** The answer is sent when the rebalance has finished. An earlier request of the same member gets the same answer. */
  join(): Promise<JoinAnswer> {
    const { promise, resolve } = Promise.withResolvers<JoinAnswer>();
    const earlier = this.#joining;
    this.#joining = (answer) => {
      earlier?.(answer);
      resolve(answer);
    };
    return promise;
  }

  joined(answer: JoinAnswer): void {
    const answerTo = this.#joining;
    this.#joining = null;
    answerTo?.(answer);
  }

  sync(): Promise<SyncAnswer> {
    const { promise, resolve } = Promise.withResolvers<SyncAnswer>();
    const earlier = this.#syncing;
    this.#syncing = (answer) => {
      earlier?.(answer);
      resolve(answer);
    };
    return promise;
  }

  synced(answer: SyncAnswer): void {
    const answerTo = this.#syncing;
    this.#syncing = null;
    answerTo?.(answer);
  }

  /** Restarts its session time-out, or a time-out of `durationMs`. */
  noteContact(expire: () => void, durationMs = this.details.sessionTimeoutMs): void {
    clearTimeout(this.#session);
    this.#session = setTimeout(expire, durationMs);
  }

  /** Stops its timers. */
  end(): void {
    clearTimeout(this.#session);
  }

  metadataOf(protocolName: string | null): Buffer {
    return this.details.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_ASSIGNMENT;
  }

  /** Whether these protocols are the same as those that the member has. */
  hasProtocols(protocols: readonly MemberProtocol[]): boolean {
    const mine = this.details.protocols;
    return (
      mine.length === protocols.length &&
      mine.every(({ name, metadata }, index) => protocols[index]!.name === name && protocols[index]!.metadata.equals(metadata))
    );
  }
}
