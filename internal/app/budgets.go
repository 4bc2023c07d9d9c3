package app

import (
	"context"

	"vedette/internal/guard"
	"vedette/internal/model/budget"
)

// budgets are the day's budgets as the door asks them.
type budgets struct{ book *budget.Book }

// openBudgets opens the book of what models cost; it is kept whether there are
// budgets or not, so that what was spent can be shown.
func (a *App) openBudgets() budgets {
	limits := make([]budget.Limit, len(a.cfg.Mind.Budgets))
	for i, b := range a.cfg.Mind.Budgets {
		limits[i] = budget.Limit(b)
	}
	return budgets{budget.New(a.records, limits, a.cfg.Now, a.cfg.Log)}
}

// Reserve implements guard.Budget.
func (b budgets) Reserve(ctx context.Context, most guard.Spend) (func(guard.Spend), error) {
	settle, err := b.book.Reserve(ctx, spendOf(most))
	if err != nil {
		return nil, err
	}
	return func(s guard.Spend) { settle(spendOf(s)) }, nil
}

func spendOf(s guard.Spend) budget.Spend {
	return budget.Spend{
		Person: s.Person, Endpoint: s.Endpoint, TokensIn: s.TokensIn, TokensOut: s.TokensOut, OutBytes: s.OutBytes, Time: s.Time, Money: s.Money, Currency: s.Currency,
	}
}
