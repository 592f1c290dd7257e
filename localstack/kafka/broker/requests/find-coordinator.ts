import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int8, nullableString, string } from "../wire/types.ts";
import { type RequestContext, handler } from "./handler.ts";

export const findCoordinatorApi = defineApi({
  name: "FindCoordinator",
  key: 10,
  versions: [0, 6],
  flexibleFrom: 3,
  request: {
    key: string.until(3),
    keyType: int8.since(1),
    coordinatorKeys: array(string).since(4),
  },
  answer: {
    throttleTimeMs: int32.since(1).or(0),
    errorCode: int16.until(3).or(0),
    errorMessage: nullableString.since(1).until(3).or(null),
    nodeId: int32.until(3).or(-1),
    host: string.until(3).or(""),
    port: int32.until(3).or(-1),
    coordinators: array(
      struct({ key: string, nodeId: int32, host: string, port: int32, errorCode: int16, errorMessage: nullableString.or(null) }),
    )
      .since(4)
      .or([]),
  },
});

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

function coordinatorFor(key: string, keyType: number, { cluster, faults }: RequestContext): FoundCoordinator {
  const none = (errorCode: number, errorMessage: string): FoundCoordinator => ({ errorCode, errorMessage, nodeId: -1, host: "", port: -1 });
  if (keyType !== GROUP && keyType !== TRANSACTION) return none(ErrorCode.invalidRequest, `there are no coordinators of kind ${keyType}`);
  const refusal = faults.refusalOf(keyType === GROUP ? ErrorCode.groupAuthorizationFailed : ErrorCode.transactionalIdAuthorizationFailed);
  if (refusal !== ErrorCode.none) return none(refusal, "refused");
  const node = cluster.coordinatorOf(key);
  if (node === undefined) return none(ErrorCode.coordinatorNotAvailable, "no broker is up");
  return { errorCode: ErrorCode.none, errorMessage: "NONE", nodeId: node.nodeId, host: node.host, port: node.port };
}
