// The official Go SDK through all eight operations; one line of JSON for each step.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	oms "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/oms/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/oms/v2/model"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/oms/v2/region"
)

var (
	endpoint = os.Getenv("OMS_ENDPOINT")
	ak       = os.Getenv("OMS_AK")
	sk       = os.Getenv("OMS_SK")
	project  = os.Getenv("OMS_PROJECT_ID")
	regionID = os.Getenv("OMS_REGION")
)

func clientWith(secret string) *oms.OmsClient {
	credentials := basic.NewCredentialsBuilder().WithAk(ak).WithSk(secret).WithProjectId(project).Build()
	return oms.NewOmsClient(oms.OmsClientBuilder().WithCredential(credentials).WithEndpoint(endpoint).Build())
}

// clientOfRegion is written for Huawei Cloud: the environment leads it to the service, where it looks the project up.
// In the environment this SDK accepts only HTTPS for the look-up, so the test names that address here.
func clientOfRegion() *oms.OmsClient {
	credentials := basic.NewCredentialsBuilder().WithAk(ak).WithSk(sk).WithIamEndpointOverride(endpoint).Build()
	place := region.ValueOf(regionID)
	return oms.NewOmsClient(oms.OmsClientBuilder().WithCredential(credentials).WithRegion(place).Build())
}

func step(name string, call func() (any, error)) {
	line := map[string]any{"step": name}
	saw, err := call()
	var refused *sdkerr.ServiceResponseError
	switch {
	case err == nil:
		line["saw"] = saw
	case errors.As(err, &refused):
		line["refused"] = []any{refused.StatusCode, refused.ErrorCode, len(refused.RequestId)}
		line["message"] = refused.ErrorMessage
	default:
		fail(err)
	}
	text, err := json.Marshal(line)
	fail(err)
	fmt.Println(string(text))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func done[T any](_ T, err error) (any, error) { return "done", err }

func of[T any](value T) *T { return &value }

func main() {
	client := clientWith(sk)
	begin := time.Now().UnixMilli()

	status := func(task string) (any, error) {
		shown, err := client.ShowSyncTask(&model.ShowSyncTaskRequest{SyncTaskId: task, QueryTime: time.Now().UnixMilli()})
		if err != nil {
			return nil, err
		}
		return shown.Status.Value(), nil
	}

	count := func(client *oms.OmsClient) (any, error) {
		page, err := client.ListSyncTasks(&model.ListSyncTasksRequest{Limit: of(int32(5)), Offset: of(int32(0))})
		if err != nil {
			return nil, err
		}
		return *page.Count, nil
	}

	step("list", func() (any, error) { return count(client) })

	created, err := client.CreateSyncTask(&model.CreateSyncTaskRequest{Body: &model.CreateSyncTaskReq{
		SrcCloudType: of("HuaweiCloud"), SrcRegion: "cn-north-1", SrcBucket: "source", SrcAk: "a", SrcSk: "b",
		DstRegion: "cn-north-4", DstBucket: "target", DstAk: "c", DstSk: "d",
		Description:      of("of the SDK, 任务"),
		ConsistencyCheck: of(model.GetCreateSyncTaskReqConsistencyCheckEnum().TRANSMISSION),
		SrcCryptoType:    of(model.GetCreateSyncTaskReqSrcCryptoTypeEnum().DEFAULT),
	}})
	fail(err)
	task := *created.SyncTaskId
	step("create", func() (any, error) {
		shown, err := client.ShowSyncTask(&model.ShowSyncTaskRequest{SyncTaskId: task, QueryTime: begin})
		if err != nil {
			return nil, err
		}
		return []any{*shown.Description, shown.ConsistencyCheck.Value(), shown.Status.Value()}, nil
	})
	step("list one", func() (any, error) {
		page, err := client.ListSyncTasks(&model.ListSyncTasksRequest{Status: of("SYNCHRONIZING")})
		if err != nil {
			return nil, err
		}
		return *(*page.Tasks)[0].SrcBucket, nil
	})
	step("events", func() (any, error) {
		events := &model.SyncObjectReq{ObjectKeys: []string{"a%2Fb", "test%2B001.txt", "%E4%B8%AD"}}
		return done(client.CreateSyncEvents(&model.CreateSyncEventsRequest{SyncTaskId: task, Body: events}))
	})
	step("statistics", func() (any, error) {
		told, err := client.ListSyncTaskStatistic(&model.ListSyncTaskStatisticRequest{
			SyncTaskId: task, StartTime: begin, EndTime: time.Now().UnixMilli(),
			DataType: model.GetListSyncTaskStatisticRequestDataTypeEnum().REQUEST,
		})
		if err != nil {
			return nil, err
		}
		sum := int64(0)
		for _, point := range *(*told.StatisticDatas)[0].Data {
			sum += *point.StatisticNum
		}
		return sum, nil
	})
	start := &model.StartSyncTaskRequest{SyncTaskId: task, Body: &model.StartSyncTaskReq{
		SrcAk: "a", SrcSk: "b", DstAk: "c", DstSk: "d",
	}}
	stop := &model.StopSyncTaskRequest{SyncTaskId: task}
	step("start a running one", func() (any, error) { return done(client.StartSyncTask(start)) })
	step("stop", func() (any, error) {
		if _, err := client.StopSyncTask(stop); err != nil {
			return nil, err
		}
		now, err := status(task)
		return []any{"done", now}, err
	})
	step("start", func() (any, error) {
		if _, err := client.StartSyncTask(start); err != nil {
			return nil, err
		}
		now, err := status(task)
		return []any{"done", now}, err
	})
	_, err = client.StopSyncTask(stop)
	fail(err)
	step("delete", func() (any, error) {
		return done(client.DeleteSyncTask(&model.DeleteSyncTaskRequest{SyncTaskId: task}))
	})
	step("show a deleted one", func() (any, error) { return status(task) })
	step("wrong secret", func() (any, error) { return count(clientWith("wrong")) })
	step("look up", func() (any, error) { return count(clientOfRegion()) })
}
