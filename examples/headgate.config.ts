// A configuration as code: a route for each team, made in a loop, with types that an editor checks.
import { defineConfig, type Route, type Upstream } from 'headgate'

const teams = { blue: 1980, green: 1981 }

const upstreams: Upstream[] = Object.entries(teams).map(([team, port]) => ({
  id: team,
  endpoints: [`127.0.0.1:${port}`],
  labels: { team },
}))

const routes: Route[] = Object.keys(teams).map((team) => ({
  id: team,
  paths: [`/${team}/*`],
  filters: { request: { path: { replacePrefix: `/${team}` }, headers: { set: { 'X-Team': team } } } },
  upstream: team,
  labels: { team },
}))

export default defineConfig({ upstreams, routes })
