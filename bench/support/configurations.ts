/** The configurations of the peers. All of them do what Headgate does by default: reuse connections on both sides and write the five forwarding fields. */

const FOREVER = 1_000_000_000

/** One worker, no log, connections that are never closed for their age or use; `http` is the inside of the http block. */
export function nginxConfiguration(folder: string, http: string): string {
  return `daemon off;
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
  return `  upstream backend { server 127.0.0.1:${backend}; keepalive 512; keepalive_requests ${FOREVER}; keepalive_timeout 3600s; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
${places.map((place) => `    location ${place} {\n      ${NGINX_PROXY}\n    }`).join('\n')}
  }`
}

/** One thread, every connection to the backend shared. */
export function haproxyConfiguration(port: number, backend: number): string {
  return `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 3600s
  timeout server 60s
  timeout http-keep-alive 3600s
  http-reuse always
frontend front
  bind 127.0.0.1:${port} backlog 4096
  option forwardfor
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  default_backend backend
backend backend
  server one 127.0.0.1:${backend}
`
}

/** Start-up settings of Headgate (YAML) where they differ from its defaults: idle connections stay as they do with the others. */
export function gatewaySettings(): string {
  return 'limits:\n  keepAliveMs: 3600000\n  maxRequestsPerConnection: 2147483647\n'
}
