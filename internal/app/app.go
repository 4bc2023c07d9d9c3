// Package app decides who is connected to whom: it opens a data directory,
// wires sources to parsers, parsers to identity and store, and the copilot to
// the toolbox, and hands the commands a working product.
//
// It must not hold rules of any domain; what it does is order and life cycle.
package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"vedette/content"
	"vedette/internal/api/account"
	"vedette/internal/app/chosen"
	"vedette/internal/asset"
	"vedette/internal/asset/fingerprint"
	"vedette/internal/asset/oui"
	"vedette/internal/audit"
	"vedette/internal/authz"
	"vedette/internal/config"
	"vedette/internal/copilot"
	"vedette/internal/correlate"
	"vedette/internal/detect"
	"vedette/internal/detect/behave"
	"vedette/internal/detect/match"
	"vedette/internal/detect/policy"
	"vedette/internal/detect/sigma"
	"vedette/internal/edge"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/bulk"
	"vedette/internal/intel/library"
	"vedette/internal/intel/pull"
	"vedette/internal/model"
	"vedette/internal/model/register"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/store/duckdb"
	"vedette/internal/store/sqlite"
	"vedette/internal/toolbox"
	"vedette/internal/trace"
	"vedette/internal/trace/export"
)

// Config says where the data is and what is ours.
type Config struct {
	Dir       string // data directory; made when it does not exist
	Assets    asset.Config
	Store     duckdb.Options
	Detect    Detect
	Retention Retention
	Endpoints []model.Endpoint // models that are configured
	Mind      Mind
	Pulls     []pull.Source   // feeds that a server gets over HTTP
	Sharing   Sharing         // what others may read over TAXII
	Sources   []config.Source // what a server takes in by itself
	Settings  config.Settings // what may be set while it runs
	From      config.Origins  // where settings were written; the others may be set while it runs
	Spool     int64           // bytes on disk for what waits to be stored; 0: 1 GiB
	Server    Server
	Traces    Traces
	Log       *slog.Logger
	Now       func() time.Time

	// Acknowledged, if not nil, is called after each commit, which is of one batch
	// or several, with the events of the running ingest that are stored for good by
	// then, those that were stored before included. It must be quick: the next batch
	// waits.
	Acknowledged func(events int)

	formats []ingest.Format // nil: all; tests add one that fails
}

// App is an open data directory. One process owns it. It is safe for
// concurrent use; ingests take turns.
type App struct {
	cfg     Config
	events  *duckdb.Store
	records *sqlite.Records
	journal *audit.Journal
	devices *asset.Registry
	reader  *ingest.Reader
	traces  *export.Exporter // nil: nobody is told
	chain   *detect.Chain    // made when the first event comes; used under writing
	tools   *toolbox.Box
	copilot *copilot.Copilot
	set     *chosen.Book // what people set while it runs
	hashes  brokerHashes // of passwords of users of brokers
	setting sync.Mutex   // held from a change of it until the change is in force
	intel   *library.Library
	models  *register.Register

	authority  *authz.Policy
	accounts   *account.Accounts
	challenges http.Handler // answers a certificate authority; nil: there is none

	// askModel puts a canary question to an endpoint; nil: the door does. Tests set
	// it.
	askModel func(ctx context.Context, endpoint, question string) (string, error)
	minds    minds
	vulns    *vulns
	tasks    *tasks
	pulls    *pull.Puller
	sharing  sharing

	matcher    atomic.Pointer[match.Detector]  // of the chain; indicators are swapped in at any time
	written    atomic.Pointer[policy.Config]   // the policy as its file has it
	policyNow  atomic.Pointer[policy.Detector] // of the chain
	naming     atomic.Pointer[zoneNames]       // that zones are about to have
	allowed    atomic.Pointer[policy.Config]   // of the chain: what the site allows, as it is in force
	ruler      *sigma.Detector                 // of the chain; used under writing
	incidents  *correlate.Correlator
	recorded   incidentsKept
	loadFor    time.Duration                  // how long a load of batches may be open
	pace       time.Time                      // until when what may wait waits, see keepAll; under writing
	owing      bool                           // it was left for the next call of taking; under writing
	techniques *correlate.Techniques          // does not change
	rulerNow   atomic.Pointer[sigma.Detector] // ruler, for whoever only swaps its rules
	ruling     sync.Mutex                     // held while rules are loaded
	rules      atomic.Pointer[ruleState]
	behave     *behave.Detector // of the chain; nil if behaviour is not learnt; used under writing
	words      words            // of persons, for behave
	looks      looks            // at behave
	learnt     learnt           // used under writing
	judgedNow  atomic.Pointer[judged]
	zoned      atomic.Pointer[[]asset.Zone] // in force
	live       atomic.Pointer[Live]         // nil: no live sources run here
	pushed     atomic.Pointer[bulk.Source]  // what programs push to

	ending    func() error // what is to be stored before the stores are closed; nil until all is open
	endTraces func() error // nil: nobody is told
	names     names
	taken     taken
	writing   sync.Mutex    // held while a source is taken in
	keeping   sync.Mutex    // held by maintenance
	aside     sync.Mutex    // held while what was set aside is read again or dropped
	trying    sync.Mutex    // held while a rule is tried on stored events
	backing   sync.Mutex    // held by a backup
	spoolWait time.Duration // of a backup

	broken breakages // what parts failed on

	unreadable int // kept devices that could not be read, written by Open
}

// names are the names of devices as they were at a version of the registry.
type names struct {
	mu      sync.Mutex
	version uint64
	list    []toolbox.Name
}

// namesOf makes the list anew when a name has changed: with many devices that
// takes longer than a question.
func namesOf(n *names, devices *asset.Registry) []toolbox.Name {
	n.mu.Lock()
	defer n.mu.Unlock()
	version := devices.NamesVersion()
	if n.list != nil && version == n.version {
		return n.list
	}
	known := devices.Names()
	n.list, n.version = make([]toolbox.Name, len(known)), version
	for i, k := range known {
		n.list[i] = toolbox.Name{Text: k.Text, UID: k.UID, Operator: k.Operator}
	}
	return n.list
}

// Open opens the data directory and all that lives in it. A directory that
// another process owns is a Conflict fault.
func Open(ctx context.Context, cfg Config) (*App, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Store.Now == nil {
		cfg.Store.Now = cfg.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "making the data directory %s", cfg.Dir).
			WithHint("choose another one with --data DIR")
	}
	formats := edge.Formats()
	if cfg.formats != nil {
		formats = cfg.formats
	}
	a := &App{cfg: cfg, reader: ingest.NewReader(formats, cfg.Now), spoolWait: backupWait, loadFor: loadFor, broken: breakages{dir: filepath.Join(cfg.Dir, brokenName)}}
	a.reader.OnBreak(a.Broke)
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// keptRecords are records of some kinds, and after they were read why that
// ended early.
type keptRecords struct {
	each iter.Seq[store.Record]
	err  error
}

// kept reads the records one by one.
func kept(ctx context.Context, from store.Records, kinds ...string) *keptRecords {
	k := &keptRecords{}
	k.each = func(yield func(store.Record) bool) {
		for _, kind := range kinds {
			for rec, err := range from.List(ctx, kind) {
				if k.err = err; err != nil || !yield(rec) {
					return
				}
			}
		}
	}
	return k
}

func (a *App) open(ctx context.Context) error {
	if err := a.openTraces(ctx); err != nil {
		return err
	}
	var err error
	a.cfg.Store.BackupDir = filepath.Join(a.cfg.Dir, keptName)
	if a.events, err = duckdb.Open(filepath.Join(a.cfg.Dir, eventsName), a.cfg.Store); err != nil { //nolint:contextcheck // it outlives the call
		return err
	}
	if a.records, err = sqlite.Open(filepath.Join(a.cfg.Dir, recordsName)); err != nil { //nolint:contextcheck // it outlives the call
		return err
	}
	if a.journal, err = audit.Open(filepath.Join(a.cfg.Dir, journalName), a.cfg.Now); err != nil {
		return err
	}
	if a.set, err = chosen.Open(ctx, a.records, a.journal, a.cfg.Now); err != nil {
		return err
	}
	if err := a.openAccounts(); err != nil {
		return err
	}
	if err := a.openDevices(ctx); err != nil {
		return err
	}
	if err := errors.Join(a.openChosen(ctx), a.afterOpening(ctx)); err != nil {
		return err
	}
	a.openIntel(filepath.Join(a.cfg.Dir, intelName))
	if err := a.openPulls(filepath.Join(a.cfg.Dir, intelName)); err != nil {
		return err
	}
	if err := a.openVulns(filepath.Join(a.cfg.Dir, vulnName)); err != nil {
		return err
	}
	if err := a.openTasks(ctx); err != nil {
		return err
	}
	if err := a.openIncidents(ctx); err != nil {
		return err
	}
	if err := a.openModels(ctx); err != nil {
		return err
	}
	a.ending = func() error { // what detectors hold back is stored, whoever waits
		end := context.WithoutCancel(ctx)
		_, err := a.settle(end)
		if a.owing {
			err = errors.Join(err, a.keepAll(end))
		}
		return errors.Join(err, a.keepLearnt())
	}
	if err := a.openDoor(); err != nil {
		return err
	}
	a.tools = toolbox.New(a.events, a.deviceNames)
	a.copilot, err = copilot.New(a.tools, conversations{a.records}, content.Lexicon(), a.cfg.Now)
	if err == nil {
		a.copilot.Use(mind{a}, copilot.MindLimits{})
		a.copilot.UseDisclosures(disclosures{a})
		if err = a.keepDevices(ctx); err == nil { // the configuration may have other zones than before
			err = a.completeZones(ctx)
		}
	}
	return err
}

func (a *App) openDevices(ctx context.Context) error {
	zipped, err := content.OUI()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "reading the embedded OUI table")
	}
	table, err := oui.Parse(zipped)
	if err != nil {
		return err
	}
	prints, err := fingerprint.Parse(content.Recog())
	if err != nil {
		return err
	}
	ours := a.assets()
	a.zoned.Store(&ours.Zones)
	a.devices = asset.New(ours, table, a.cfg.Now)
	a.devices.UseFingerprints(prints)
	records := kept(ctx, a.records, asset.RecordKind)
	for _, p := range a.devices.Restore(func(yield func(asset.Record) bool) {
		for rec := range records.each {
			if !yield(asset.Record{ID: rec.ID, JSON: rec.JSON}) {
				return
			}
		}
	}) {
		a.unreadable++
		a.cfg.Log.Warn("a kept device cannot be read", "component", "asset", "err", p)
	}
	if records.err != nil {
		return fmt.Errorf("reading the kept devices: %w", records.err)
	}
	if doc, _ := a.set.Now(); len(doc.Renamed) > 0 {
		a.devices.RenameZones(a.formerNames(doc)) // again: the program may have ended before the devices were kept
	}
	return nil
}

// afterOpening tells what the event store met. A new hot database knows no
// devices; those of the records are put back into it.
func (a *App) afterOpening(ctx context.Context) error {
	o := a.events.Opening()
	for _, path := range o.Aside {
		a.cfg.Log.Warn("a sealed file cannot be used and was renamed", "component", "store", "path", path)
	}
	if len(o.Adopted) > 0 {
		a.cfg.Log.Warn("sealed days that nothing listed were taken over", "component", "store", "files", len(o.Adopted))
	}
	if o.Kept != "" {
		a.cfg.Log.Warn("the event store was brought up to date; a copy of before is kept", "component", "store", "copy", o.Kept)
	}
	if kept := a.records.Kept(); kept != "" {
		a.cfg.Log.Warn("the records were brought up to date; a copy of before is kept", "component", "store", "copy", kept)
	}
	list := a.devices.List()
	if !o.Fresh || len(list) == 0 {
		return nil
	}
	rows := make([]store.Device, len(list))
	for i, d := range list {
		rows[i] = d.Row()
	}
	return a.events.PutDevices(ctx, rows)
}

// Close releases the directory. It is safe after a failed Open.
func (a *App) Close() error {
	a.writing.Lock()
	defer a.writing.Unlock()
	var errs []error
	if a.ending != nil {
		errs = append(errs, a.ending())
	}
	if a.models != nil {
		errs = append(errs, a.models.Close())
	}
	if a.events != nil {
		errs = append(errs, a.events.Close())
	}
	if a.records != nil {
		errs = append(errs, a.records.Close())
	}
	if a.journal != nil {
		errs = append(errs, a.journal.Close())
	}
	if a.endTraces != nil {
		errs = append(errs, a.endTraces())
	}
	return errors.Join(errs...)
}

// Ask answers a question.
func (a *App) Ask(ctx context.Context, req copilot.Request) (*copilot.Answer, error) {
	ctx, span := a.Tracer().Start(ctx, trace.Ask, trace.Word(trace.GenOperation, trace.OpAgent), trace.Word(trace.GenAgent, trace.Agent))
	ans, err := a.copilot.Ask(ctx, req)
	if err == nil {
		span.Set(trace.Count(trace.Sentences, len(ans.Answer)))
	}
	span.End(err)
	return ans, err
}

// deviceNames gives the planner the names of devices and who chose them; in a
// confined context those of its zones, looked up each time because devices move.
func (a *App) deviceNames(ctx context.Context) []toolbox.Name {
	all := namesOf(&a.names, a.devices)
	if _, ok := query.Confined(ctx); !ok {
		return all
	}
	own := make([]toolbox.Name, 0, len(all))
	for _, n := range all {
		if d, ok := a.devices.Get(n.UID); ok && query.Sees(ctx, d.Value(asset.KeyZone)) {
			own = append(own, n)
		}
	}
	return own
}

// keepDevices writes the devices that changed to the records and to the
// device table of the event store.
func (a *App) keepDevices(ctx context.Context) error { return a.keep(ctx, a.devices.Dirty) }

// keepNewDevices writes those alone that were never written.
func (a *App) keepNewDevices(ctx context.Context) error { return a.keep(ctx, a.devices.Fresh) }

func (a *App) keep(ctx context.Context, changed func() ([]asset.Record, []store.Device, error)) error {
	records, rows, err := changed()
	if err != nil || len(records) == 0 {
		return err
	}
	retry := func(err error) error {
		for _, r := range records {
			a.devices.Retry(r.ID)
		}
		return err
	}
	changes := make([]store.Change, len(records))
	for i, r := range records {
		changes[i] = store.Change{Kind: asset.RecordKind, ID: r.ID, Version: store.AnyVersion, JSON: r.JSON}
	}
	if err := a.records.Update(ctx, changes...); err != nil {
		return retry(fmt.Errorf("keeping devices: %w", err))
	}
	if err := a.events.PutDevices(ctx, rows); err != nil {
		return retry(fmt.Errorf("keeping the device table: %w", err))
	}
	a.tools.Forget()
	a.vulns.noteDevices(rows)
	a.concernDevices(rows)
	return nil
}
