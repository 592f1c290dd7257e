import { type Operation, NO_SUBJECT, jsonAnswer } from "../server/call.ts";
import { notAuthorizedOrNotFound } from "../server/service-error.ts";
import type { LifecycleState } from "../streams/stream.ts";
import type { WorkRequest } from "../streams/work-requests.ts";
import { timeText } from "./stream-answers.ts";

const CHANGING: ReadonlySet<LifecycleState> = new Set(["CREATING", "UPDATING", "DELETING"]);

export const getWorkRequest: Operation = {
  name: "GetWorkRequest",
  endpoint: "admin",
  method: "GET",
  path: "/20180418/workRequests/{workRequestId}",
  subjectOf: ({ service, path: { workRequestId } }) => {
    const request = service.workRequests.find(workRequestId!);
    return request === null ? NO_SUBJECT : { topics: new Map([[request.stream.name, null]]) };
  },
  carryOut: ({ service, path: { workRequestId } }) => {
    const request = service.workRequests.find(workRequestId!);
    if (request === null) throw notAuthorizedOrNotFound(`Unknown work request ${workRequestId}`);
    return jsonAnswer(workRequestDetails(request, service.clock.nowMs));
  },
};

function workRequestDetails({ id, operationType, stream, timeAcceptedMs }: WorkRequest, nowMs: number): Readonly<Record<string, unknown>> {
  const isDone = !CHANGING.has(stream.state);
  const actionType = isDone ? `${operationType.split("_", 1)[0]}D` : "IN_PROGRESS";
  return {
    id,
    operationType,
    status: isDone ? "SUCCEEDED" : "IN_PROGRESS",
    compartmentId: stream.compartmentId,
    resources: [{ entityType: "stream", actionType, identifier: stream.id, entityUri: `/20180418/streams/${stream.id}` }],
    percentComplete: isDone ? 100 : 50,
    timeAccepted: timeText(timeAcceptedMs),
    timeStarted: timeText(timeAcceptedMs),
    timeFinished: isDone ? timeText(nowMs) : null,
  };
}
