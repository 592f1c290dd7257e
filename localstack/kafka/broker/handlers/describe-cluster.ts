import { describeClusterApi } from "../apis/describe-cluster.ts";
import { ErrorCode } from "../error-code.ts";
import { authorizedOperations } from "./authorized-operations.ts";
import { handler } from "./handler.ts";

const BROKERS = 1;

export const describeCluster = handler(
  describeClusterApi,
  ({ endpointType, includeClusterAuthorizedOperations }, { cluster, troubles }) => {
    const refusal = troubles.refusalOf(ErrorCode.clusterAuthorizationFailed);
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
  },
);
