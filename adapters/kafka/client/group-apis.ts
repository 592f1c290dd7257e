import type { Api } from "./api.ts";
import {
  type DescribedGroup,
  type GroupMember,
  type JoinGroupRequest,
  type JoinedGroup,
  KafkaProtocolError,
  type SyncGroupRequest,
} from "./kafka-client.ts";
import type { WireReader } from "./wire-reader.ts";

const GROUP_COORDINATOR = 0;

function requireNoError(api: string, reader: WireReader): void {
  const errorCode = reader.int16();
  if (errorCode !== 0) throw new KafkaProtocolError(api, errorCode);
}

export interface CoordinatorAddress {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
}

export const findCoordinatorApi: Api<string, CoordinatorAddress> = {
  name: "FindCoordinator",
  key: 10,
  versions: [1, 2],
  purpose: "other",
  write: (group, writer) => void writer.string(group).int8(GROUP_COORDINATOR),
  read(reader) {
    reader.readThrottle();
    const errorCode = reader.int16();
    const message = reader.nullableString();
    if (errorCode !== 0) throw new KafkaProtocolError("FindCoordinator", errorCode, message);
    return { brokerId: reader.int32(), host: reader.string(), port: reader.int32() };
  },
};

export const joinGroupApi: Api<JoinGroupRequest, JoinedGroup> = {
  name: "JoinGroup",
  key: 11,
  versions: [2, 3, 4, 5],
  purpose: "group",
  waitMs: ({ rebalanceTimeoutMs }) => rebalanceTimeoutMs,
  isPatient: true,
  write(request, writer, version) {
    writer.string(request.group).int32(request.sessionTimeoutMs).int32(request.rebalanceTimeoutMs).string(request.memberId);
    if (version >= 5) writer.string(null);
    writer.string(request.protocolType);
    writer.array(request.protocols, ({ name, metadata }) => writer.string(name).bytes(metadata));
  },
  read(reader, version) {
    reader.readThrottle();
    const errorCode = reader.int16();
    const generation = reader.int32();
    const protocol = reader.string();
    const leaderId = reader.string();
    const memberId = reader.string();
    if (errorCode !== 0) throw new KafkaProtocolError("JoinGroup", errorCode, null, memberId);
    const members = reader.array(() => {
      const memberId = reader.string();
      if (version >= 5) reader.nullableString();
      return { memberId, metadata: reader.bytes() };
    });
    return { generation, protocol, leaderId, memberId, members };
  },
};

export const syncGroupApi: Api<SyncGroupRequest, Buffer> = {
  name: "SyncGroup",
  key: 14,
  versions: [1, 2],
  purpose: "group",
  isPatient: true,
  write({ group, generation, memberId, assignments }, writer) {
    writer.string(group).int32(generation).string(memberId);
    writer.array(assignments, ({ memberId, assignment }) => writer.string(memberId).bytes(assignment));
  },
  read(reader) {
    reader.readThrottle();
    requireNoError("SyncGroup", reader);
    return reader.bytes();
  },
};

export const heartbeatApi: Api<GroupMember, void> = {
  name: "Heartbeat",
  key: 12,
  versions: [1, 2],
  purpose: "group",
  write: ({ group, generation, memberId }, writer) => void writer.string(group).int32(generation).string(memberId),
  read(reader) {
    reader.readThrottle();
    requireNoError("Heartbeat", reader);
  },
};

export const leaveGroupApi: Api<Pick<GroupMember, "group" | "memberId">, void> = {
  name: "LeaveGroup",
  key: 13,
  versions: [1, 2],
  purpose: "group",
  write: ({ group, memberId }, writer) => void writer.string(group).string(memberId),
  read(reader) {
    reader.readThrottle();
    requireNoError("LeaveGroup", reader);
  },
};

export const describeGroupApi: Api<string, DescribedGroup> = {
  name: "DescribeGroups",
  key: 15,
  versions: [1, 2],
  purpose: "other",
  write: (group, writer) => void writer.int32(1).string(group),
  read(reader) {
    reader.readThrottle();
    const [group] = reader.array((): DescribedGroup => {
      const errorCode = reader.int16();
      reader.string();
      const state = reader.string();
      const protocolType = reader.string();
      const protocol = reader.string();
      const members = reader.array(() => {
        const memberId = reader.string();
        const clientId = reader.string();
        // The address of the member.
        reader.string();
        return { memberId, clientId, metadata: reader.bytes(), assignment: reader.bytes() };
      });
      return { errorCode, state, protocolType, protocol, members };
    });
    if (group === undefined) throw new RangeError("the answer describes no group");
    return group;
  },
};

export const listGroupsApi: Api<null, readonly { readonly group: string; readonly protocolType: string }[]> = {
  name: "ListGroups",
  key: 16,
  versions: [1, 2],
  purpose: "other",
  write: () => undefined,
  read(reader) {
    reader.readThrottle();
    requireNoError("ListGroups", reader);
    return reader.array(() => ({ group: reader.string(), protocolType: reader.string() }));
  },
};

export const deleteGroupApi: Api<string, void> = {
  name: "DeleteGroups",
  key: 42,
  versions: [0, 1],
  purpose: "other",
  write: (group, writer) => void writer.int32(1).string(group),
  read(reader) {
    reader.readThrottle();
    reader.array(() => {
      reader.string();
      requireNoError("DeleteGroups", reader);
    });
  },
};
