package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"vedette/content"
	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/intel/feed"
	"vedette/internal/vuln/exposure"
	vulnlib "vedette/internal/vuln/library"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
)

// vulnName is the folder of advisories and bills in the data directory.
const vulnName = "vuln"

// vulns is what is known of vulnerabilities.
type vulns struct {
	lib  *vulnlib.Library
	tree *priority.Tree

	mu      sync.Mutex // held while exposed is made and told of changes
	exposed *exposed   // nil until it is first asked
	looking sync.Mutex // held while the store is asked who reaches the devices; before mu
}

// openVulns makes the library; it reads what it has when it is first asked.
func (a *App) openVulns(dir string) error {
	tree, err := priority.ParseTree(content.SSVC())
	if err != nil {
		return err
	}
	lib := vulnlib.Open(vulnlib.Config{Dir: dir, Aliases: match.ParseAliases(content.Vendors()), Now: a.cfg.Now})
	a.vulns = &vulns{lib: lib, tree: tree}
	return nil
}

// unpacked turns the documents of a packed stream into the library's.
func unpacked(in io.Reader) func(func(vulnlib.Document, error) bool) {
	return func(yield func(vulnlib.Document, error) bool) {
		for d, err := range feed.Unpack(in) {
			if !yield(vulnlib.Document{Name: d.Name, Reader: d.Reader}, err) {
				return
			}
		}
	}
}

// ImportBills takes in bills of materials of a device or a product.
func (a *App) ImportBills(ctx context.Context, req api.VulnImport, in io.Reader) (vulnlib.BillReport, error) {
	subject := ""
	switch {
	case req.Device != "":
		d, err := a.FindDevice(ctx, req.Device)
		if err != nil {
			return vulnlib.BillReport{}, err
		}
		subject = "device:" + d.UID
	case req.Product != "":
		subject = "product:" + req.Product
	}
	rep, err := a.vulns.lib.ImportBills(ctx, subject, unpacked(in))
	if err := a.vulns.noteBills(ctx); err != nil {
		return rep, err
	}
	a.tasks.book.ConcernAll() // bills are few and may be of products
	a.tasks.archive.ConcernParts()
	a.tasks.archive.Concern([]string{subject}, nil)
	if err = errors.Join(err, a.tellBills(ctx), a.keepDevices(ctx), a.sayUpdates(ctx)); err != nil {
		return rep, err
	}
	return rep, a.noteIntel(req.Actor, "sbom.import", subject, map[string]string{"files": strconv.Itoa(len(rep.Files))})
}

// ImportAdvisories takes in advisories of every kind.
func (a *App) ImportAdvisories(ctx context.Context, req api.VulnImport, in io.Reader) (vulnlib.Report, error) {
	rep, err := a.vulns.lib.Import(ctx, unpacked(in))
	a.vulns.noteAdvisories(rep.Changed)
	a.concernTasks(rep.Changed)
	if err != nil {
		return rep, err
	}
	return rep, a.noteIntel(req.Actor, "advisories.import", "", map[string]string{"files": strconv.Itoa(len(rep.Files)), "new": strconv.Itoa(rep.New)})
}

// MatchVulns tells what a product in a version is affected by.
func (a *App) MatchVulns(ctx context.Context, q match.Query) ([]api.VulnRow, error) {
	index, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return nil, err
	}
	found := index.Match(q)
	rows := make([]api.VulnRow, len(found))
	for i := range found {
		p := a.vulns.tree.Rate(index.Find(found[i].ID), vulnFacts(index, found[i].ID))
		rows[i] = vulnRow(index, exposure.Row{Match: found[i], Points: p})
	}
	return rows, nil
}

func vulnRow(index *match.Index, r exposure.Row) api.VulnRow {
	m, p := &r.Match, &r.Points
	return api.VulnRow{
		Subject: r.Subject, Component: r.Component, Part: r.Part, ID: m.ID, Title: title(index.Find(m.ID)), Status: m.Status, Reason: m.Reason, Source: m.Source, Fix: m.Fix, Confidence: m.Confidence,
		Exploitation: p.Exploitation, Automatable: p.Automatable, TechnicalImpact: p.TechnicalImpact, Mission: p.Mission, Exposure: p.Exposure,
		Decision: p.Decision, Horizon: priority.Horizon(p.Decision), Why: p.Why,
	}
}

func vulnFacts(index *match.Index, id string) priority.Facts {
	chance, _ := index.Chance(id)
	return priority.Facts{KEV: index.Exploited(id), EPSS: chance.Score, Sighted: index.Sighted(id)}
}

// title is the first that a source gives: of the vulnerability, or of its
// weakness or text.
func title(abouts []match.About) string {
	for _, a := range abouts {
		if a.Vulnerability.Title != "" && !strings.EqualFold(a.Vulnerability.Title, a.Vulnerability.ID) {
			return a.Vulnerability.Title
		}
	}
	for _, a := range abouts {
		if text := a.Vulnerability.Text; text != "" {
			first, _, _ := strings.Cut(text, ". ")
			if len(first) > 200 {
				first = strings.ToValidUTF8(first[:200], "") + "…"
			}
			return first
		}
	}
	for _, a := range abouts {
		if a.Advisory.Title != "" {
			return a.Advisory.Title
		}
	}
	return ""
}

// maxVulnRows bounds one answer: a large fleet has many millions of rows.
const maxVulnRows = 200_000

// ListVulns tells what the devices of the inventory and the parts of the bills
// of materials are affected by, or may be, most urgent first.
func (a *App) ListVulns(ctx context.Context, f api.VulnFilter) (api.VulnList, error) {
	if err := checkFilter(&f); err != nil {
		return api.VulnList{}, err
	}
	index, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return api.VulnList{}, err
	}
	x, err := a.exposureNow(ctx)
	if err != nil {
		return api.VulnList{}, err
	}
	if f.Status == match.NotAffected {
		list, err := a.cleared(x.view(ctx), index, f)
		a.narrowWhy(ctx, list.Rows)
		return list, err
	}
	found, total := x.view(ctx).Rows(exposure.Filter{ID: f.ID, Subject: f.Subject, Part: f.Part, Status: f.Status, Decision: f.Decision, Offset: f.Offset, Limit: f.Limit})
	out := api.VulnList{Rows: make([]api.VulnRow, len(found)), Total: total}
	for i := range found {
		found[i].Points.Why = append(found[i].Points.Why, a.whyReached(x, found[i].Subject)...)
		out.Rows[i] = vulnRow(index, found[i])
	}
	a.narrowWhy(ctx, out.Rows)
	return out, nil
}

// cleared lists what is not affected, which is matched when it is asked for.
func (a *App) cleared(v exposure.View, index *match.Index, f api.VulnFilter) (api.VulnList, error) {
	found, _ := v.Cleared(exposure.Filter{ID: f.ID, Subject: f.Subject})
	out := api.VulnList{Rows: []api.VulnRow{}, Total: len(found)}
	for i := min(f.Offset, len(found)); i < len(found) && len(out.Rows) < f.Limit; i++ {
		out.Rows = append(out.Rows, vulnRow(index, found[i]))
	}
	return out, nil
}

// checkFilter refuses what no row has, and bounds the answer.
func checkFilter(f *api.VulnFilter) error {
	switch {
	case f.Status == match.NotAffected && f.ID == "" && f.Subject == "":
		return fault.New(fault.Invalid, "what is not affected is listed of one vulnerability or of one device").WithHint("give its id or the subject too")
	case f.Status != "" && f.Status != match.Affected && f.Status != match.Undetermined && f.Status != match.NotAffected:
		return fault.New(fault.Invalid, "the status is %.40q", f.Status).WithHint("affected, undetermined or not_affected")
	case f.Decision != "" && !slices.Contains(priority.Decisions(), f.Decision):
		return fault.New(fault.Invalid, "the decision is %.40q", f.Decision).WithHint("one of %s", strings.Join(priority.Decisions(), ", "))
	case f.Limit < 0 || f.Offset < 0:
		return fault.New(fault.Invalid, "limit and offset are not below 0")
	}
	if f.Limit == 0 || f.Limit > maxVulnRows {
		f.Limit = maxVulnRows
	}
	return nil
}

// ShowVuln tells all that is known of a vulnerability.
func (a *App) ShowVuln(ctx context.Context, id string) (api.VulnDetail, error) {
	index, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return api.VulnDetail{}, err
	}
	if err := a.tellSightings(ctx, index); err != nil {
		return api.VulnDetail{}, err
	}
	id = strings.ToUpper(strings.TrimSpace(id))
	abouts := a.abouts(ctx, index.Find(id))
	known := vulnFacts(index, id)
	if len(abouts) == 0 && known.KEV == "" {
		return api.VulnDetail{}, fault.New(fault.NotFound, "nothing is known of %.60q", id).WithHint("take in advisories with: vedette advisories import PATH")
	}
	p := a.vulns.tree.Rate(abouts, known)
	out := api.VulnDetail{
		ID: id, Title: title(abouts), Exploitation: p.Exploitation, Automatable: p.Automatable, TechnicalImpact: p.TechnicalImpact, Decision: p.Decision,
		Why: p.Why, KEV: known.KEV != "", KEVSince: known.KEV,
		CVSS: []api.VulnScore{}, CWE: []string{}, Affected: []api.VulnAffected{}, Remedies: []api.VulnRemedy{}, References: []string{}, Sources: []api.VulnSource{},
	}
	if c, ok := index.Chance(id); ok {
		out.EPSS = &c.Score
	}
	if sight, confined := a.sightOf(ctx); confined {
		out.Why = sight.reasons(out.Why)
	}
	for _, about := range abouts {
		addAbout(&out, about)
	}
	return out, nil
}

// addAbout adds what one advisory says.
func addAbout(out *api.VulnDetail, about match.About) {
	a, v := about.Advisory, about.Vulnerability
	if out.Text == "" {
		out.Text = v.Text
	}
	if v.KEV != "" && !out.KEV {
		out.KEV, out.KEVSince = true, v.KEV
	}
	for _, s := range v.Scores {
		one := api.VulnScore{Version: s.Version, Vector: s.Vector, Base: s.Base, Severity: s.Severity, Source: s.Source}
		if want, other := s.Disagrees(); other {
			one.Computed = &want
		}
		out.CVSS = append(out.CVSS, one)
	}
	for _, c := range v.CWE {
		if !slices.Contains(out.CWE, c) {
			out.CWE = append(out.CWE, c)
		}
	}
	for _, s := range v.Statements {
		p := &a.Products[s.Product]
		out.Affected = append(out.Affected, api.VulnAffected{Vendor: p.Vendor, Product: p.Name, Versions: p.Versions.String(), Status: string(s.Status), Source: a.ID})
	}
	for _, r := range v.Remedies {
		out.Remedies = append(out.Remedies, api.VulnRemedy{Kind: r.Kind, Text: r.Text, URL: r.URL, Fix: r.Fix, Source: a.ID})
	}
	for _, r := range slices.Concat(v.References, a.References) {
		if r.URL != "" && !slices.Contains(out.References, r.URL) {
			out.References = append(out.References, r.URL)
		}
	}
	updated := ""
	if !a.Updated.IsZero() {
		updated = a.Updated.Format("2006-01-02")
	}
	src := api.VulnSource{ID: a.ID, Kind: a.Kind, Publisher: a.Publisher, Updated: updated, Title: cmp.Or(v.Title, a.Title), Text: v.Text}
	if given := v.SSVC; given != nil {
		src.SSVC = "exploitation " + cmp.Or(given.Exploitation, "not said") + ", automatable " + cmp.Or(given.Automatable, "not said") + ", technical impact " + cmp.Or(given.TechnicalImpact, "not said")
	}
	out.Sources = append(out.Sources, src)
}
