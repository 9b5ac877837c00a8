//! Files that somebody named one by one.

use super::{Entry, File, Files};
use crate::error::Result;

/// Files by their names, with their bytes.
pub struct Named(pub Vec<(String, Vec<u8>)>);

impl Named {
    /// The files, in the order in which they were named.
    pub fn files(&self) -> impl Iterator<Item = File<usize>> {
        let named = self.0.iter().enumerate();
        named.map(|(id, (path, _))| File::new(path.clone(), 0, id))
    }
}

impl Files for Named {
    type Id = usize;

    /// There is no folder that holds them.
    fn root(&self) -> usize {
        self.0.len()
    }

    fn list(&self, _: &usize) -> Result<Vec<Entry<usize>>> {
        Ok(Vec::new())
    }

    fn size(&self, file: &usize) -> Result<u64> {
        Ok(self.0.get(*file).map_or(0, |(_, bytes)| bytes.len() as u64))
    }

    fn read(&self, file: &usize) -> Result<Vec<u8>> {
        Ok(self.0.get(*file).map(|(_, bytes)| bytes.clone()).unwrap_or_default())
    }
}
