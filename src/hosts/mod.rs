//! What hosts say of their own ports: parsers of host tables to socket facts.
