import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, int8, nullableString, string } from "../wire/types.ts";
import { authorizedOperations } from "./authorized-operations.ts";
import { handler } from "./handler.ts";

export const describeClusterApi = defineApi({
  name: "DescribeCluster",
  key: 60,
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: boolean,
    endpointType: int8.since(1).or(1),
    includeFencedBrokers: boolean.since(2),
  },
  answer: {
    throttleTimeMs: int32.or(0),
    errorCode: int16,
    errorMessage: nullableString.or(null),
    endpointType: int8.since(1).or(1),
    clusterId: string,
    controllerId: int32,
    brokers: array(
      struct({ brokerId: int32, host: string, port: int32, rack: nullableString.or(null), isFenced: boolean.since(2).or(false) }),
    ),
    clusterAuthorizedOperations: int32.or(-2_147_483_648),
  },
});

const BROKERS = 1;

export const describeCluster = handler(describeClusterApi, ({ endpointType, includeClusterAuthorizedOperations }, { cluster, faults }) => {
  const refusal = faults.refusalOf(ErrorCode.clusterAuthorizationFailed);
  const wantsControllers = endpointType !== BROKERS;
  return {
    errorCode: wantsControllers ? ErrorCode.mismatchedEndpointType : refusal,
    errorMessage: wantsControllers ? "these are the endpoints of brokers" : null,
    endpointType: BROKERS,
    clusterId: cluster.clusterId,
    controllerId: cluster.upNodes[0]?.nodeId ?? -1,
    brokers: cluster.upNodes.map(({ nodeId, host, port }) => ({ brokerId: nodeId, host, port })),
    clusterAuthorizedOperations: authorizedOperations("cluster", includeClusterAuthorizedOperations),
  };
});
