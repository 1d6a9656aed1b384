"""The official Python SDK through all eight operations; one line of JSON for each step."""

import json
import os
import time

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkoms.v2 import (
    CreateSyncEventsRequest,
    CreateSyncTaskReq,
    CreateSyncTaskRequest,
    DeleteSyncTaskRequest,
    ListSyncTasksRequest,
    ListSyncTaskStatisticRequest,
    OmsClient,
    ShowSyncTaskRequest,
    StartSyncTaskReq,
    StartSyncTaskRequest,
    StopSyncTaskRequest,
    SyncObjectReq,
)
from huaweicloudsdkoms.v2.region.oms_region import OmsRegion

endpoint, ak, sk, project, region = (
    os.environ[f"OMS_{name}"] for name in ("ENDPOINT", "AK", "SK", "PROJECT_ID", "REGION")
)
keys = {"src_ak": "a", "src_sk": "b", "dst_ak": "c", "dst_sk": "d"}


def client(secret=sk):
    return (
        OmsClient.new_builder()
        .with_credentials(BasicCredentials(ak, secret, project))
        .with_endpoint(endpoint)
        .build()
    )


def client_of_region():
    """Written for Huawei Cloud: the environment alone leads it to the service, where it looks the project up."""
    return (
        OmsClient.new_builder()
        .with_credentials(BasicCredentials(ak, sk))
        .with_region(OmsRegion.value_of(region))
        .build()
    )


def step(name, call):
    try:
        seen = {"saw": call()}
    except ServiceResponseException as error:
        request_id = error.request_id or ""
        seen = {
            "refused": [error.status_code, error.error_code, len(request_id)],
            "message": error.error_msg,
        }
    print(json.dumps({"step": name, **seen}), flush=True)
    return seen.get("saw")


def now():
    return int(time.time() * 1000)


def status(task):
    return oms.show_sync_task(ShowSyncTaskRequest(sync_task_id=task, query_time=now())).status


def requests_of(task):
    statistic = oms.list_sync_task_statistic(
        ListSyncTaskStatisticRequest(
            sync_task_id=task, data_type="REQUEST,SIZE", start_time=begin, end_time=now()
        )
    )
    (requests, _) = statistic.statistic_datas
    return sum(point.statistic_num for point in requests.data)


def quietly(call):
    call()
    return "done"


oms = client()
begin = now()
step("list", lambda: oms.list_sync_tasks(ListSyncTasksRequest(limit=5, offset=0)).count)
body = CreateSyncTaskReq(
    src_cloud_type="HuaweiCloud",
    src_region="cn-north-1",
    src_bucket="source",
    dst_region="cn-north-4",
    dst_bucket="target",
    description="of the SDK, 任务",
    consistency_check="transmission",
    src_crypto_type="DEFAULT",
    **keys,
)
created = oms.create_sync_task(CreateSyncTaskRequest(body=body))
task_id = created.sync_task_id
shown = oms.show_sync_task(ShowSyncTaskRequest(sync_task_id=task_id, query_time=str(now())))
step("create", lambda: [shown.description, shown.consistency_check, shown.status])
step(
    "list one",
    lambda: oms.list_sync_tasks(ListSyncTasksRequest(status="SYNCHRONIZING")).tasks[0].src_bucket,
)
events = SyncObjectReq(object_keys=["a%2Fb", "test%2B001.txt", "%E4%B8%AD"])
step(
    "events",
    lambda: quietly(
        lambda: oms.create_sync_events(CreateSyncEventsRequest(sync_task_id=task_id, body=events))
    ),
)
step("statistics", lambda: requests_of(task_id))
start = StartSyncTaskRequest(sync_task_id=task_id, body=StartSyncTaskReq(**keys))
step("start a running one", lambda: quietly(lambda: oms.start_sync_task(start)))
stop = StopSyncTaskRequest(sync_task_id=task_id)
step("stop", lambda: [quietly(lambda: oms.stop_sync_task(stop)), status(task_id)])
step("start", lambda: [quietly(lambda: oms.start_sync_task(start)), status(task_id)])
oms.stop_sync_task(stop)
delete = DeleteSyncTaskRequest(sync_task_id=task_id)
step("delete", lambda: quietly(lambda: oms.delete_sync_task(delete)))
step("show a deleted one", lambda: status(task_id))
step("wrong secret", lambda: client("wrong").list_sync_tasks(ListSyncTasksRequest()).count)
step("look up", lambda: client_of_region().list_sync_tasks(ListSyncTasksRequest()).count)
