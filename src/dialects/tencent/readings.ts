/**
 * Every decision of this dialect that the vendor's documentation does not make. `I`: our reading where it is silent or vague; `X`: an addition or
 * local mapping of ours, which is not the vendor's behaviour. docs/dialects/tencent.md shows the list, and a test holds it to that.
 */
export interface Reading {
  readonly mark: 'I' | 'X'
  /** Of spec/tencent.md. */
  readonly section: string
  readonly text: string
}

export const READINGS: readonly Reading[] = [
  // services, releases, addresses
  {
    mark: 'X',
    section: '1',
    text: 'Without an InstanceId a service counts as one of a dedicated instance; `tencent.shared_instances: enforce` refuses upstreams to it.',
  },
  {
    mark: 'X',
    section: '1',
    text: 'The default host name is `<ServiceId>.<tencent.domain>`, and the domain is `apigw.localhost` where no setting says otherwise.',
  },
  {
    mark: 'X',
    section: '1',
    text: 'Custom domains stand in the service, as `CustomDomains`; a longer prefix of a path mapping is looked at before a shorter one.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'The environment or the mapped prefix is taken off before the API is chosen, before `path` is compared and before paths are combined.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'Among prefixes that begin with `^~` the longest goes first; among regular expressions and paths with variables the API that was created first, of those made in one change (one file) the one with the lesser id.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'A path is a regular expression where it begins with `~` or holds one of `( ) [ ] * + ? | \\ ^ $`; it is held against the beginning of the path.',
  },
  { mark: 'I', section: '1', text: 'A path variable takes one character at least.' },
  {
    mark: 'I',
    section: '1',
    text: 'An API of the path in question that takes another method makes it 405, also where a shorter path would take the method.',
  },
  { mark: 'I', section: '1', text: 'Missing protocol counts before missing parameters: 426, then 403.' },
  {
    mark: 'I',
    section: '1',
    text: 'An absent DefaultValue of a required parameter makes its absence 403; a parameter with a default is never missing, and the default goes to the backend.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'Of the newer service types `VPC` and `UPSTREAM` are read as HTTP and need the Product that says the same (clb or cvm; upstream); `GRPC`, `EB` and `COS` are refused.',
  },
  {
    mark: 'X',
    section: '1',
    text: '`tencent.instances` says in which network an instance runs; an upstream of another one is taken with a warning that the two must be connected first, which describe and explain show too.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'A backend whose address is forbidden (403) is one at the Admin API or status listener of the gateway, or at a link-local address.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'In Modify calls a field that is absent stays as it is.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'A service that holds APIs or is released, and a plugin that is bound, are `UnsupportedOperation.ResourceAssociated` when they are to be deleted; `SkipVerification: 1` deletes a service with its APIs, releases and bindings.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'DeleteApi takes a released API as well: it stops at once in all environments and loses its bindings.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'Parameters are mapped and constants added for everything that is reached over HTTP by itself: HTTP and WEBSOCKET backends, upstreams and microservices; MOCK and functions get none, with a warning.',
  },
  {
    mark: 'X',
    section: '1',
    text: 'Requests that no route takes go on to the routes of the other dialects; Tencent routes come first, because each of them names its host.',
  },
  // plugins
  {
    mark: 'I',
    section: '2.1',
    text: 'A strategy name is any printable text, or with `tencent.strict_names` one of letters, digits and `% ~ _ \\ - . { } ? & =`.',
  },
  { mark: 'I', section: '2.1', text: 'A plugin has one policy at least.' },
  {
    mark: 'I',
    section: '2.1',
    text: 'A policy whose name survives an update keeps its time; of several that are written together a later one counts as newer.',
  },
  {
    mark: 'I',
    section: '2.2',
    text: 'A condition cannot fail while a request waits: it holds or not. One that is no longer read after a change of the settings (strict mode) sets its plugin aside: its APIs go to their default backends, and `headgate_documents` counts it as rejected.',
  },
  { mark: 'I', section: '2.3', text: 'A binding replaces the one of the same type.' },
  // conditions
  {
    mark: 'I',
    section: '3.1',
    text: '`header.Host` is the Host field however the client wrote its name, over HTTP/2 `:authority`; any other spelling of `Host` is a name like others.',
  },
  {
    mark: 'I',
    section: '3.1',
    text: 'A `sysparam` that the API declares under the same name, in any case, gives the declared parameter and then compares with case.',
  },
  {
    mark: 'I',
    section: '3.2',
    text: 'Locations, keywords, `true`, `false` and function names are taken in any case.',
  },
  {
    mark: 'I',
    section: '3.2',
    text: '`and` binds tighter than `or`; both go from left to right and stop at what decides.',
  },
  {
    mark: 'I',
    section: '3.2',
    text: 'In a text a backslash is ordinary unless it stands before the quote that began the text; so no text ends with a backslash.',
  },
  {
    mark: 'I',
    section: '3.2',
    text: '`path` with a name behind it (`path.x`) is a location that nobody knows: a missing parameter.',
  },
  {
    mark: 'I',
    section: '3.2',
    text: 'A keyword may stand right behind a number (`1and`); any other letter, a second dot or an exponent there is an error.',
  },
  {
    mark: 'I',
    section: '3.2',
    text: 'A text without a leading `/` beside `path` is an error with every comparison and in lists, not with `like`, `regex` and networks.',
  },
  {
    mark: 'I',
    section: '3.2',
    text: 'What is outside the grammar is an error when it is saved: words that are no parameter, `&&`, `||`, `!`, `not`, `===`, a side, an argument, a quote or a parenthesis that is missing, comparisons without a word between them, patterns and networks that are none.',
  },
  {
    mark: 'X',
    section: '3.2',
    text: 'A condition has at most 2,048 characters, 32 parentheses inside each other, 64 comparisons, and 256 characters in a regular expression.',
  },
  {
    mark: 'I',
    section: '3.3',
    text: 'A comparison that names an absent parameter is false whatever its operator, also with `!` and beside the result of `regex`; `exists` alone is never absent.',
  },
  {
    mark: 'I',
    section: '3.3',
    text: 'A repeated parameter gives its first value; a name in the query without `=` is present and empty; names and values of the query are decoded, `+` is a blank.',
  },
  {
    mark: 'I',
    section: '3.3',
    text: 'Header names are compared as written over HTTP/1.1 and in any case over HTTP/2; `_` and `-` are different.',
  },
  {
    mark: 'X',
    section: '3.3',
    text: '`tencent.ignore_header_case` takes names of header fields in any case over HTTP/1.1 as well.',
  },
  { mark: 'I', section: '3.3', text: 'Parameters need not be declared.' },
  {
    mark: 'I',
    section: '3.3',
    text: 'A number is compared by its digits, however many there are; `+1`, `1.`, `.5`, `1e3` and blanks around make a text no number.',
  },
  {
    mark: 'I',
    section: '3.3',
    text: 'The texts `true` and `false` are booleans in any case; `1`, `0` and `yes` are none.',
  },
  {
    mark: 'I',
    section: '3.3',
    text: 'A number or boolean beside text of another kind is unequal to it; booleans have no order, so `<=` and `>=` are false as well.',
  },
  {
    mark: 'I',
    section: '3.3',
    text: 'Two literals, two parameters, `Random()` twice and results of functions may be compared: results are booleans, two parameters are texts, and what stands beside `Random()` is a number.',
  },
  { mark: 'I', section: '3.3', text: 'Texts have the order of their code points.' },
  {
    mark: 'I',
    section: '3.3',
    text: '`sysparam.httpScheme` ignores case with every operator; any other undeclared `sysparam` than the three is missing.',
  },
  {
    mark: 'I',
    section: '3.3',
    text: '`sysparam.clientIp` is the address that `trustedPeers` leave; `sysparam.clientUa` is the field User-Agent, and missing with it.',
  },
  {
    mark: 'X',
    section: '3.4',
    text: '`!=`, `<>`, `<=`, `>=`, `like`, `in`, `in_cidr` and their negations are ours; strict mode refuses them by name and place.',
  },
  {
    mark: 'X',
    section: '3.4',
    text: '`like` compares the whole value, `%` alone is special and cannot be escaped.',
  },
  {
    mark: 'X',
    section: '3.4',
    text: '`in` compares with each element as `=` would; what is no text is like nothing, and what is no address is in no network.',
  },
  {
    mark: 'I',
    section: '3.4',
    text: '`regex` finds its pattern anywhere, with case, in the syntax of RE2 and over bytes: time stays linear, and back references and look-around are refused.',
  },
  { mark: 'I', section: '3.4', text: '`Random()` is drawn anew for each occurrence that is evaluated.' },
  // backends
  {
    mark: 'I',
    section: '4',
    text: 'The flat form of a backend, with the keys of ServiceConfig on top, is the same as the nested one.',
  },
  { mark: 'I', section: '4.1', text: 'The Url of an upstream is a placeholder and not looked at.' },
  { mark: 'I', section: '4.1', text: 'Method ANY, and no Method, keep the method of the client.' },
  {
    mark: 'I',
    section: '4.1',
    text: 'A UniqVpcId is a label: that of an API or policy must be the one of the upstream that it names.',
  },
  {
    mark: 'I',
    section: '4.2',
    text: '`backend_type` must fit the body: HTTP, VPC and UPSTREAM have ServiceType HTTP, without Product, with clb or cvm, with upstream; the others equal ServiceType.',
  },
  {
    mark: 'I',
    section: '4.3',
    text: 'A backend path of `/` and an empty one lead to the same place; no slash is invented between backend path and rest.',
  },
  {
    mark: 'I',
    section: '4.3',
    text: 'An exact path leaves no rest. With variables the values are put into the backend path, and the text behind the match follows.',
  },
  {
    mark: 'I',
    section: '4.3',
    text: 'Defaults of absent arguments, then parameters that are mapped into the query, then constants in the query come before the query of the client, which goes along as it is. A mapped parameter that is absent or empty adds nothing; the default that the API declares for it goes before the one of the mapping.',
  },
  {
    mark: 'I',
    section: '4.1',
    text: 'The certificate behind an https Url of the internet is verified; those of VPC resources and of nodes, which mostly are addresses, are not.',
  },
  {
    mark: 'I',
    section: '4.3',
    text: 'Without an UpstreamHost the nodes of an upstream are sent their own address as Host.',
  },
  {
    mark: 'I',
    section: '4.3',
    text: '`x-b3-traceid` is 32 hexadecimal digits at random; one that the client sends goes on in its place.',
  },
  {
    mark: 'I',
    section: '4.4',
    text: 'MOCK answers 200, as JSON where the text parses as JSON and as plain text elsewhere.',
  },
  {
    mark: 'X',
    section: '4.4',
    text: 'A function of type HTTP is called at the address that `tencent.functions` gives it, with the path as the caller wrote it, without environment or prefix.',
  },
  {
    mark: 'X',
    section: '4.4',
    text: 'A function of type EVENT, also where no type is given, gets its event by POST as JSON, at the address and path that `tencent.functions` gives it. A body of more than `limits.maxInspectedBodyBytes` is 413.',
  },
  {
    mark: 'I',
    section: '4.4',
    text: 'In an event `headers` has names in lower case and what an HTTP backend would get, with the Host of the caller; a name that comes more than once in the query has a list; `path` and `requestContext.path` begin behind the environment, and `requestContext.httpMethod` is the method of the API; defaults of declared parameters stand in for what is missing. `body` is text where it is UTF-8 and else base64, always base64 with IsBase64Encoded.',
  },
  {
    mark: 'I',
    section: '4.4',
    text: 'An integrated response needs a `statusCode` from 200 to 599; the other members may be left out. Headers that delimit the message count for nothing, a list gives several lines. A malformed one is answered with 403 and `{errno: 403, error, message, requestId}`; one over `limits.maxInspectedBodyBytes` is 502.',
  },
  {
    mark: 'X',
    section: '4.4',
    text: 'A microservice (TSF) is at the address that `tencent.microservices` gives it, each address of a name in turn; ServiceTsfHealthCheckConf ejects addresses by their share of failures in 10 seconds, 20 requests, 5000 ms and 50 % where it says nothing.',
  },
  {
    mark: 'X',
    section: '4.4',
    text: 'X-NameSpace-Code is what `tencent.namespace_codes` says of a NamespaceId, or the NamespaceId itself. A backend that has X-MicroService-Name or X-NameSpace-Code names them in place of the request.',
  },
  {
    mark: 'I',
    section: '4.4',
    text: 'Of several microservices the request names one, where the API declares the two parameters, or in the path where it has variables of these names, else in the header and without that in the query; 404 where it names none, also in a policy whose condition holds. A single one needs no name.',
  },
  {
    mark: 'I',
    section: '4.4',
    text: 'SessionStickRequired is a cookie for each microservice of each API; SessionStickTimeout is in seconds from the first answer, and without it the cookie ends with the browser. IsLoadBalance: false changes nothing, with a warning.',
  },
  // upstreams
  { mark: 'I', section: '5.1', text: 'Algorithm is taken as `ROUND-ROBIN` and `ROUND_ROBIN`.' },
  { mark: 'I', section: '5.1', text: 'An upstream without a name is called by its id.' },
  {
    mark: 'I',
    section: '5.1',
    text: 'UpstreamType is IP_PORT where none is given; one node or one Service at least, a Service with or without ExtraLabels; Host and Port together once; Healthy in a request is not looked at.',
  },
  {
    mark: 'X',
    section: '5.1',
    text: '`tencent.api_default_retries` says how often is tried again where Retries is absent; 5 without it.',
  },
  { mark: 'I', section: '5.1', text: 'A node with Port 0 is taken and never gets a request.' },
  {
    mark: 'I',
    section: '5.1',
    text: 'HealthyHttpStatus and UnhealthyHttpStatus are codes from 200 to 599 between commas.',
  },
  { mark: 'I', section: '5.1', text: 'ActiveRequestHeader is refused, because its shape is not published.' },
  {
    mark: 'I',
    section: '5.1',
    text: 'Active checks of gRPC nodes are refused, because they ask for a path. ActiveCheckTimeout and ActiveCheckInterval are 1 to 3600 seconds, UnhealthyTimeout is 0 to 86400; checks whose thresholds are all 0 are taken with a warning.',
  },
  {
    mark: 'I',
    section: '5.2',
    text: 'Each attempt goes to a node that was not tried; when all were, they come round again, 1 + Retries attempts in all.',
  },
  {
    mark: 'I',
    section: '5.2',
    text: 'ServiceTimeout bounds all attempts together until the answer begins, and then the wait between two of its parts; connecting may take 5 seconds of it, or all of it where it is less.',
  },
  {
    mark: 'I',
    section: '5.2',
    text: 'A request is repeated whatever its method, as long as no byte of an answer came and its body can be sent again.',
  },
  {
    mark: 'I',
    section: '5.2',
    text: 'An attempt has failed that got no connection, or no answer before the connection broke; an answer is passed on, whatever its status.',
  },
  {
    mark: 'I',
    section: '5.2',
    text: '502 where no node can be asked, or all attempts failed; 504 where one waited in vain.',
  },
  { mark: 'I', section: '5.2', text: 'All nodes unhealthy: 502, nobody is guessed at.' },
  {
    mark: 'I',
    section: '5.2',
    text: 'Failures of a kind (connection, time, status) are counted in a row, each kind by itself, and a success begins anew.',
  },
  {
    mark: 'I',
    section: '5.2',
    text: 'A single success of a probe, or the end of UnhealthyTimeout, brings a node back.',
  },
  // the API
  {
    mark: 'X',
    section: '5.3',
    text: 'Calls go to `/tencent` on the address of the Admin API, with the key of the gateway, or signed (TC3-HMAC-SHA256) by a SecretId of `tencent.credentials`; the path that is signed may be `/`, the host may lack its port, and the service in the scope may be any. Temporary credentials and bodies that are not signed are refused. Actions that only ask may be called with GET and with a viewer key.',
  },
  {
    mark: 'I',
    section: '5.3',
    text: 'A failure has status 200, also where the key is missing; the first fault decides the code, and the message names all of them.',
  },
  {
    mark: 'I',
    section: '5.3',
    text: 'An action that does not exist is `UnsupportedOperation`, a parameter that it does not have `UnknownParameter`, and a filter that it does not have `InvalidFilterNotSupportedName`.',
  },
  {
    mark: 'I',
    section: '5.3',
    text: 'Lists are in the order in which their entries were made; filters and names are compared whole and with case, and tags as `Key:Value`. Limit is 1 to 100.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'ApiIds of a release is reserved: a list that is not empty is refused. A release of a service without APIs is taken.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'Taking offline what is not released is `InvalidEnvStatus`, and so is binding to an API that is not released there.',
  },
  {
    mark: 'I',
    section: '1',
    text: 'A ModifyApi with another ServiceType leaves behind the fields of the old backend that it does not give; an object that it gives replaces the one that stands.',
  },
  {
    mark: 'X',
    section: '1',
    text: 'InnerHttpPort and InnerHttpsPort are 0, and a host name is empty for a network that NetTypes does not have.',
  },
  {
    mark: 'I',
    section: '2.3',
    text: 'An AttachPlugin with several APIs is all or nothing; DescribeAllPluginApis lists what is released in the environment or is bound there.',
  },
  {
    mark: 'I',
    section: '2.3',
    text: 'Taking off a plugin that is not bound is `UnsupportedOperation.ResourceUnassociated`.',
  },
  {
    mark: 'X',
    section: '5.1',
    text: 'CreateUpstream makes the missing name from the id, with `_` for the dash.',
  },
  {
    mark: 'I',
    section: '5.1',
    text: 'Nodes of an upstream of type K8S are refused unless they say `Source: K8S`, as answers do: those may be sent back, and count for nothing. A new UpstreamType leaves the list of the old one behind.',
  },
  {
    mark: 'I',
    section: '5.1',
    text: 'UniqueServiceName of a node is `ClusterId/Namespace/ServiceName:Port`, with the labels that were asked for.',
  },
  {
    mark: 'I',
    section: '5.3',
    text: 'DescribeUpstreamBindApis lists APIs whose backend, edited or released, is the upstream, and APIs with a plugin that has a policy to it; BindTime is the earliest time of these that is known.',
  },
  {
    mark: 'I',
    section: '5.3',
    text: 'An upstream that APIs or policies name cannot be moved to another network.',
  },
  {
    mark: 'I',
    section: '5.3',
    text: 'In ModifyUpstream an absent field stays as it is, and a list that is given replaces the one that stands.',
  },
  {
    mark: 'I',
    section: '5.3',
    text: 'APIs, as edited or as released, and policies that name an upstream keep it from being deleted: `UnsupportedOperation.ResourceAssociated`.',
  },
  {
    mark: 'I',
    section: '5.3',
    text: 'Which of the published error codes a fault has is ours to say: the table in tencent-api.md.',
  },
  {
    mark: 'X',
    section: '6',
    text: 'Clusters are those of the setting `tencent.clusters`: by their API server (kubeconfig, address with token, in the cluster itself), as a folder of files, or by DNS.',
  },
  {
    mark: 'X',
    section: '6',
    text: 'By DNS a Service is the name that the setting makes of it: each address is a pod at the Port of the K8sService, of a name that begins with `_` each SRV record is one at its own port. Weights and priorities of records count for nothing, ExtraLabels are refused, and a name that is not known or has no records has no pods.',
  },
  {
    mark: 'X',
    section: '6',
    text: 'Of two Services that give the same address and port the first counts. While a source fails the last pods stay, and are said to be old; an answer without pods empties the upstream.',
  },
  {
    mark: 'I',
    section: '6',
    text: 'The Port of a K8sService is one of TCP.',
  },
  {
    mark: 'I',
    section: '6',
    text: 'Nodes show the port that the pods listen on. An endpoint that does not say whether it is ready is; while none is ready, those that end and still serve are used.',
  },
]
