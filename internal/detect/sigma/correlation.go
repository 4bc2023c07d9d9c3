package sigma

type correlation struct{}

func (c *compiler) correlations(docs []Document) {}
