// Package dial makes the provider of an endpoint: the one list of the wires.
//
// It owns that list and must not hold anything of a wire.
package dial

import (
	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/anthropic"
	"vedette/internal/model/gemini"
	"vedette/internal/model/openai"
	"vedette/internal/model/wire"
)

// Open makes the provider of an endpoint. It reads the key and sends nothing.
func Open(e model.Endpoint, o wire.Options) (model.Provider, error) {
	switch e.Wire {
	case model.OpenAI, "":
		return provider(openai.New(e, o))
	case model.Anthropic:
		return provider(anthropic.New(e, o))
	case model.Gemini:
		return provider(gemini.New(e, o))
	}
	return nil, fault.New(fault.Invalid, "model endpoint %s: there is no wire %q", e.Name, e.Wire).WithHint("the wires are openai, anthropic and gemini")
}

func provider[P model.Provider](p P, err error) (model.Provider, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}
