/** The configurations of the peers. All of them do what Headgate does by default: reuse connections on both sides and write the five forwarding fields. */

const FOREVER = 1_000_000_000

/** One worker, no log, connections that are never closed for their age or use; `http` is the inside of the http block, `main` stands before all. */
export function nginxConfiguration(folder: string, http: string, main = ''): string {
  return `${main}daemon off;
master_process off;
worker_processes 1;
pid ${folder}/pid;
error_log ${folder}/error.log crit;
events { worker_connections 16384; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests ${FOREVER};
  keepalive_timeout 3600s;
  client_body_temp_path ${folder}/a;
  proxy_temp_path ${folder}/b;
  fastcgi_temp_path ${folder}/c;
  uwsgi_temp_path ${folder}/d;
  scgi_temp_path ${folder}/e;
${http}
}
`
}

/** Backends that answer at once: a small text, and files of the folder (`/65536`, `/1048576`). */
export function backendServers(ports: readonly number[], folder: string): string {
  return ports
    .map(
      (port) => `  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${folder};
    location / { default_type text/plain; return 200 "hello from ${port}"; }
    location = /65536 { default_type application/octet-stream; }
    location = /1048576 { default_type application/octet-stream; }
  }`,
    )
    .join('\n')
}

const NGINX_PROXY = `proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;`

/** A plain proxy to one backend. Buffers are nginx's defaults. With `locations` it has so many exact ones, and no other. */
export function nginxProxy(port: number, backend: number, locations: readonly string[] = []): string {
  const places = locations.length === 0 ? ['/'] : locations.map((path) => `= ${path}`)
  return `${NGINX_BACKEND(backend)}
  server {
    listen 127.0.0.1:${port} backlog=4096;
${places.map((place) => `    location ${place} {\n      ${NGINX_PROXY}\n    }`).join('\n')}
  }`
}

const NGINX_BACKEND = (backend: number): string =>
  `  upstream backend { server 127.0.0.1:${backend} max_fails=0; keepalive 512; keepalive_requests ${FOREVER}; keepalive_timeout 3600s; }`

/** Certificate and key of a TLS listener, as files. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
  /** Both in one, as HAProxy wants them. */
  readonly both: string
}

/** The plain proxy behind TLS 1.2 and 1.3, with HTTP/2 for those who ask for it. Tickets are on, as by default. */
export function nginxTlsProxy(port: number, backend: number, pair: KeyPair): string {
  return `${NGINX_BACKEND(backend)}
  ssl_protocols TLSv1.2 TLSv1.3;
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=4096;
    ssl_certificate ${pair.certificate};
    ssl_certificate_key ${pair.key};
    location / {
      ${NGINX_PROXY}
    }
  }`
}

/** gRPC without TLS on both sides. */
export function nginxGrpcProxy(port: number, backend: number): string {
  return `${NGINX_BACKEND(backend)}
  server {
    listen 127.0.0.1:${port} http2 backlog=4096;
    location / { grpc_pass grpc://backend; grpc_set_header X-Real-IP $remote_addr; }
  }`
}

/** Upgrades to WebSocket are passed on, and silent ones are kept for an hour. */
export function nginxWebSocketProxy(port: number, backend: number): string {
  return `${NGINX_BACKEND(backend)}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      ${NGINX_PROXY.replace('Connection ""', 'Connection Upgrade')}
      proxy_set_header Upgrade $http_upgrade;
      proxy_read_timeout 3600s;
    }
  }`
}

/** What stands before the rest of a configuration to relay TCP; `module` is null where it is built in. */
export function nginxStream(port: number, backend: number, module: string | null): string {
  return `${module === null ? '' : `load_module ${module};\n`}stream {
  server { listen 127.0.0.1:${port} backlog=4096; proxy_pass 127.0.0.1:${backend}; }
}
`
}

/** How HAProxy takes and passes on: HTTP, HTTP behind TLS, HTTP/2 without TLS on both sides (gRPC), or bytes. */
export type HaproxyKind = 'http' | 'tls' | 'grpc' | 'tcp'

/** One thread, every connection to the backend shared. `pair` is needed for `tls`. */
export function haproxyConfiguration(
  port: number,
  backend: number,
  kind: HaproxyKind = 'http',
  pair: KeyPair | null = null,
): string {
  if (kind === 'tcp')
    return `${haproxyHead('tcp')}frontend front
  bind 127.0.0.1:${port} backlog 4096
  default_backend backend
backend backend
  server one 127.0.0.1:${backend}
`
  const tls = pair === null ? '' : ` ssl crt ${pair.both} alpn h2,http/1.1`
  const h2 = kind === 'grpc' ? ' proto h2' : ''
  return `${haproxyHead('http')}  http-reuse always
frontend front
  bind 127.0.0.1:${port} backlog 4096${tls}${h2}
  option forwardfor
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Proto ${kind === 'tls' ? 'https' : 'http'}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  default_backend backend
backend backend
  server one 127.0.0.1:${backend}${h2}
`
}

function haproxyHead(mode: 'http' | 'tcp'): string {
  return `global
  nbthread 1
  maxconn 8192
defaults
  mode ${mode}
  timeout connect 5s
  timeout client 3600s
  timeout server 60s
  timeout http-keep-alive 3600s
  timeout tunnel 3600s
`
}

/** Flags of nghttpx: HTTP/2 over TLS in front, HTTP/1.1 behind. */
export function nghttpxFlags(port: number, backend: number, pair: KeyPair): readonly string[] {
  return [
    '--conf=/dev/null',
    `--frontend=127.0.0.1,${port}`,
    `--backend=127.0.0.1,${backend}`,
    '--workers=1',
    '--backend-connections-per-host=512',
    '--backend-keep-alive-timeout=3600',
    '--no-ocsp',
    '--accesslog-file=/dev/null',
    '--errorlog-file=/dev/null',
    '--add-x-forwarded-for',
    pair.key,
    pair.certificate,
  ]
}

/** Start-up settings of Headgate (YAML) where they differ from its defaults: idle connections stay as they do with the others. */
export function gatewaySettings(): string {
  return 'limits:\n  keepAliveMs: 3600000\n  maxRequestsPerConnection: 2147483647\n'
}
