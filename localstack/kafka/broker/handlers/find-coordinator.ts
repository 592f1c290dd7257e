import { findCoordinatorApi } from "../apis/find-coordinator.ts";
import { ErrorCode } from "../error-code.ts";
import { type RequestContext, handler } from "./handler.ts";

const GROUP = 0;
const TRANSACTION = 1;
const FIRST_WITH_SEVERAL = 4;

export const findCoordinator = handler(findCoordinatorApi, ({ key, keyType, coordinatorKeys }, context) => {
  if (context.version >= FIRST_WITH_SEVERAL) {
    return { coordinators: coordinatorKeys.map((one) => ({ key: one, ...coordinatorFor(one, keyType, context) })) };
  }
  return coordinatorFor(key, keyType, context);
});

interface FoundCoordinator {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

function coordinatorFor(key: string, keyType: number, { cluster, troubles }: RequestContext): FoundCoordinator {
  const none = (errorCode: number, errorMessage: string): FoundCoordinator => ({ errorCode, errorMessage, nodeId: -1, host: "", port: -1 });
  if (keyType !== GROUP && keyType !== TRANSACTION) return none(ErrorCode.invalidRequest, `there are no coordinators of kind ${keyType}`);
  const refusal = troubles.refusalOf(keyType === GROUP ? ErrorCode.groupAuthorizationFailed : ErrorCode.transactionalIdAuthorizationFailed);
  if (refusal !== ErrorCode.none) return none(refusal, "refused");
  const node = cluster.coordinatorOf(key);
  if (node === undefined) return none(ErrorCode.coordinatorNotAvailable, "no broker is up");
  return { errorCode: ErrorCode.none, errorMessage: "NONE", nodeId: node.nodeId, host: node.host, port: node.port };
}
