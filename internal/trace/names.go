package trace

// Names of spans, keys and values. What the standard has a name for is called so: those of HTTP, databases
// and messages as in OpenTelemetry's stable conventions, those of models and tools as in its GenAI conventions
// (v0.1.0, still in development: all of them stand here so that a change of theirs is a change of this file).

// Key names an attribute of a span. There are no others: none of them has room for what a person asked, a device
// wrote or a model answered.
type Key string

// The keys.
const (
	Method Key = "http.request.method"
	Route  Key = "http.route"
	Status Key = "http.response.status_code"

	Database  Key = "db.system.name"
	Operation Key = "db.operation.name"
	Rows      Key = "db.response.returned_rows"

	ErrorType Key = "error.type" // the kind of a fault

	GenOperation Key = "gen_ai.operation.name"
	GenAgent     Key = "gen_ai.agent.name"
	GenModel     Key = "gen_ai.request.model"
	GenInput     Key = "gen_ai.usage.input_tokens"
	GenOutput    Key = "gen_ai.usage.output_tokens"
	GenTool      Key = "gen_ai.tool.name"

	Endpoint  Key = "vedette.model.endpoint" // as the configuration calls it
	Sentences Key = "vedette.ask.sentences"
	Payloads  Key = "vedette.ingest.payloads"
	Read      Key = "vedette.ingest.records"
	Stored    Key = "vedette.ingest.events"
	Rejected  Key = "vedette.ingest.rejected"
	Found     Key = "vedette.detect.findings"
	Feed      Key = "vedette.feed.name" // as the configuration calls it
)

// Names of spans that do not take theirs from a route or a tool.
const (
	Ask      = "invoke_agent vedette"
	Ingest   = "store received"
	DBQuery  = "query duckdb"
	DBAppend = "append duckdb"
	Pull     = "pull"
	Maintain = "maintain"
)

// Values of GenOperation, GenAgent and Database.
const (
	OpAgent = "invoke_agent"
	OpTool  = "execute_tool"
	OpChat  = "chat"
	Agent   = "vedette"
	DuckDB  = "duckdb"
)

// Tool is the name of the span of a tool.
func Tool(name string) string { return OpTool + " " + name }

// Chat is the name of the span of a model.
func Chat(model string) string { return OpChat + " " + model }
