# Targets are what CI runs. `make demo` and `make test` set themselves up.
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help
help:
	@echo "make demo | up | test | lint | bench | chaos | schemas | lock"
