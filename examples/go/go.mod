module example.com/voiceplatform

go 1.25.0

require (
	github.com/callhooks/callhooks/gen/go v0.0.0
	github.com/google/uuid v1.6.0
	google.golang.org/grpc v1.83.2
	google.golang.org/protobuf v1.36.12
)

require (
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
)

// Outside of this repository, this line is not needed.
replace github.com/callhooks/callhooks/gen/go => ../../gen/go
